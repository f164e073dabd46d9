"""What a worker process has exactly one of: its connection to the server, and its model's names."""

import itertools
import threading

from .errors import TritonModelException

_MESSAGE_CHARACTERS_MAX = 64 * 1024


class Session:
    """The process's connection and what the server said of the model."""

    def __init__(self, channel):
        self.model_directory = ""
        self.model_name = ""
        self.instance_name = ""
        self.decoupled = False
        self.initialized = False
        self.finalizing = False
        self.become(channel)

    def become(self, channel):
        """Speaks through this channel from here on; calls through the one before are forgotten."""
        self.channel = channel
        self._numbers = itertools.count(1)
        self._answers = {}
        # Not a plain one: an iterator that nobody holds any more may be collected while this thread has it.
        self._answers_lock = threading.RLock()
        channel.on("answer", self._answered)

    def log(self, level, message):
        text = message[:_MESSAGE_CHARACTERS_MAX]
        self.channel.send({"kind": "log", "level": level, "message": text})

    def call(self, message, arrays=()):
        """Asks the server for something. Gives the calls's number; take its answers with `answer`."""
        number = next(self._numbers)
        with self._answers_lock:
            self._answers[number] = []
        self.channel.send({**message, "call": number}, arrays)
        return number

    def answer(self, number, last=True):
        """Waits for the next answer to a call: `(message, payload)`."""
        found = self.wait(number).pop(0)
        if last or found[0].get("final", True):
            self.forget(number)
        return found

    def wait(self, number):
        """Waits until there is an answer to a call. Gives those that are there."""
        waiting = self._answers[number]
        self.channel.wait(lambda: len(waiting) > 0)
        return waiting

    def ask(self, message, arrays=()):
        """A call with one answer. Raises TritonModelException with the server's error."""
        answer, payload = self.answer(self.call(message, arrays))
        if answer.get("error") is not None:
            raise TritonModelException(answer["error"]["message"])
        return answer, payload

    def forget(self, number):
        """No more answers to this call are wanted."""
        with self._answers_lock:
            self._answers.pop(number, None)

    def _answered(self, message, payload):
        with self._answers_lock:
            waiting = self._answers.get(message["call"])
            if waiting is not None:
                waiting.append((message, payload))


_current = None


def open_session(channel):
    global _current
    _current = Session(channel)
    return _current


def current():
    """The process's session. Raises where the module was imported outside of a worker."""
    if _current is None:
        raise TritonModelException(
            "triton_python_backend_utils can do this only in a model that a server runs."
        )
    return _current
