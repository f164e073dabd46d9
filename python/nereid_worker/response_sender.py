"""`InferenceRequest.get_response_sender()`: answers of a request at the model's own time."""

import threading

from . import session
from .errors import TritonModelException
from .inference_response import InferenceResponse, response_message

RESPONSE_COMPLETE_FINAL = 1


class RequestState:
    """What becomes of one request: how much was sent for it, and whether that was all. When nothing of
    the model holds it any more and the final answer is missing, the server is told so."""

    __slots__ = (
        "number",
        "names",
        "decoupled",
        "paced",
        "sent",
        "acknowledged",
        "closed",
        "cancelled",
        "_lock",
        "__weakref__",
    )

    def __init__(self, number, names, decoupled, paced=False):
        self.number = number
        self.names = names
        self.decoupled = decoupled
        # Whether `send` waits until the next answer is wanted.
        self.paced = paced and decoupled
        self.sent = 0
        self.acknowledged = 0
        self.closed = False
        self.cancelled = False
        self._lock = threading.Lock()

    def count(self, response, flags):
        """Takes an answer into account. Raises TritonModelException with Triton's texts."""
        final = flags == RESPONSE_COMPLETE_FINAL
        with self._lock:
            if not self.decoupled:
                if response is not None and self.sent > 0:
                    raise TritonModelException(
                        "Unable to send response. Non-decoupled model cannot send more than one "
                        "response."
                    )
                if response is None and final and self.sent == 0:
                    raise TritonModelException(
                        "Unable to send response. Non-decoupled model cannot send complete final "
                        "before sending a response."
                    )
            if self.closed:
                raise TritonModelException(
                    "Unable to send response. Response sender has been closed."
                )
            self.closed = final
            self.sent += 1

    def wait_for_room(self, channel):
        channel.wait(lambda: self.acknowledged >= self.sent or self.cancelled or self.closed)

    def close(self):
        with self._lock:
            self.closed = True

    def __del__(self):
        if self.closed:
            return
        try:
            session.current().channel.send_soon({"kind": "dropped", "request": self.number})
        except OSError:
            pass


class InferenceResponseSender:
    """Sends the answers of one request, from any thread."""

    __slots__ = ("_state",)

    def __init__(self, state):
        self._state = state

    def send(self, response=None, flags=0):
        if response is not None and not isinstance(response, InferenceResponse):
            raise TypeError(f"send(): response must be an InferenceResponse, found {type(response)}")
        if flags not in (0, RESPONSE_COMPLETE_FINAL):
            raise TritonModelException("Unable to send response. Unsupported flag provided.")
        if response is None and flags == 0:
            raise TritonModelException(
                "Inference Response object must be provided when the response flags is set to zero."
            )
        state = self._state
        state.count(response, flags)
        arrays = []
        message = {"kind": "send", "request": state.number, "final": flags != 0, "response": None}
        if response is not None:
            message["response"] = response_message(response, state.names, arrays)
        waits = state.paced and flags == 0
        if waits:
            message["acknowledge"] = True
        channel = session.current().channel
        channel.send(message, arrays)
        if waits:
            state.wait_for_room(channel)

    def is_cancelled(self):
        """Whether nobody waits for the answers any more."""
        if not self._state.cancelled:
            session.current().channel.poll()
        return self._state.cancelled


InferenceResponseSender.__module__ = "c_python_backend_utils"
