"""`pb_utils.InferenceRequest`: what a model is asked, and what it asks other models."""

import asyncio
import enum

from . import session
from .errors import TritonModelException
from .inference_response import response_of
from .parameters import parameters_text, parameters_wire
from .response_iterator import ResponseIterator
from .response_sender import InferenceResponseSender, RequestState
from .tensor import Tensor
from .tensor_wire import describe, places_of
from .text import text_of

REQUEST_RELEASE_ALL = 1
REQUEST_RELEASE_RESCHEDULE = 2


class MemoryType(enum.IntEnum):
    TRITONSERVER_MEMORY_CPU = 0
    TRITONSERVER_MEMORY_GPU = 1


class PreferredMemory:
    """Where a model that calls another wants the answer's tensors. They are in CPU memory anyway."""

    __slots__ = ("preferred_memory_type", "preferred_device_id")

    def __init__(self, preferred_memory_type, preferred_device_id=0):
        self.preferred_memory_type = MemoryType(preferred_memory_type)
        self.preferred_device_id = int(preferred_device_id)


class InferenceTrace:
    """A request's trace. Given to a request to another model, that one is traced as a part of it."""

    __slots__ = ("_request", "_context")

    def __init__(self, request=0, context=None):
        self._request = request
        self._context = context

    def get_context(self):
        """With OpenTelemetry: the headers of W3C Trace Context that make a span the trace's own child,
        as JSON text. Else None."""
        return self._context or None


_NO_TRACE = InferenceTrace()


class InferenceRequest:
    """A request: made by the server for `execute`, or by a model to call another (`exec`)."""

    __slots__ = (
        "_request_id",
        "_correlation_id",
        "_inputs",
        "_output_names",
        "_model_name",
        "_model_version",
        "_flags",
        "_timeout",
        "_preferred_memory",
        "_trace",
        "_parameters",
        "_state",
        "_sender_taken",
        "_release_flags",
        "_places",
        "__weakref__",
    )

    def __init__(
        self,
        request_id="",
        correlation_id=0,
        inputs=None,
        requested_output_names=None,
        model_name=None,
        model_version=-1,
        flags=0,
        timeout=0,
        preferred_memory=None,
        trace=None,
        parameters=None,
    ):
        if inputs is None or requested_output_names is None or model_name is None:
            raise TypeError(
                "InferenceRequest(): inputs, requested_output_names and model_name are required"
            )
        about = f"request with id '{request_id}' and model name '{model_name}' should not be empty."
        for tensor in inputs:
            if tensor is None:
                raise TritonModelException(f"Input tensor for {about}")
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"InferenceRequest(): inputs must be Tensor objects, found {type(tensor)}"
                )
        names = [
            text_of(name, "InferenceRequest(): requested_output_names")
            for name in requested_output_names
        ]
        if "" in names:
            raise TritonModelException(f"Requested output name for {about}")
        if correlation_id is None:
            raise TypeError("InferenceRequest(): correlation_id must not be None")
        if not isinstance(correlation_id, (int, str)):
            raise TritonModelException("Correlation ID must be integer or string")
        self._request_id = text_of(request_id, "InferenceRequest(): request_id")
        self._correlation_id = correlation_id
        self._inputs = list(inputs)
        self._output_names = sorted(set(names))
        self._model_name = text_of(model_name, "InferenceRequest(): model_name")
        self._model_version = int(model_version)
        self._flags = int(flags)
        self._timeout = int(timeout)
        self._preferred_memory = preferred_memory
        self._trace = InferenceTrace() if trace is None else trace
        self._parameters = parameters_text(parameters)
        self._state = None
        self._sender_taken = False
        self._release_flags = REQUEST_RELEASE_ALL
        self._places = ()

    @classmethod
    def _of_server(cls, head, inputs, decoupled):
        """The request that a message of the server describes."""
        request = cls.__new__(cls)
        request._request_id = head["id"]
        request._correlation_id = head["correlation"]
        request._inputs = inputs
        request._output_names = head["outputs"]
        request._model_name = ""
        request._model_version = -1
        request._flags = head["flags"]
        request._timeout = head["timeout"]
        request._preferred_memory = None
        context = head.get("trace")
        request._trace = InferenceTrace(0 if context is None else head["number"], context)
        request._parameters = head["parameters"]
        request._state = RequestState(
            head["number"], set(head["outputs"]), decoupled, head.get("paced", False)
        )
        request._sender_taken = False
        request._release_flags = REQUEST_RELEASE_ALL
        # Where inputs lie that are nobody else's: outputs that are views of them need no copy.
        request._places = places_of(head["inputs"])
        return request

    @classmethod
    def _of_form(cls, form, number, request_id, inputs, decoupled):
        """A request of a form that the server has told."""
        request = cls.__new__(cls)
        request._request_id = request_id
        request._correlation_id = 0
        request._inputs = inputs
        request._output_names = form.outputs
        request._model_name = ""
        request._model_version = -1
        request._flags = 0
        request._timeout = form.timeout
        request._preferred_memory = None
        request._trace = _NO_TRACE
        request._parameters = "{}"
        request._state = RequestState(number, form.names, decoupled)
        request._sender_taken = False
        request._release_flags = REQUEST_RELEASE_ALL
        request._places = ()
        return request

    def inputs(self):
        return self._inputs

    def request_id(self):
        return self._request_id

    def correlation_id(self):
        return self._correlation_id

    def flags(self):
        return self._flags

    def set_flags(self, flags):
        self._flags = int(flags)

    def timeout(self):
        """Microseconds that the client allows, 0 for no limit."""
        return self._timeout

    def parameters(self):
        """The parameters as JSON text."""
        return self._parameters

    def preferred_memory(self):
        return self._preferred_memory

    def trace(self):
        return self._trace

    def requested_output_names(self):
        return set(self._output_names)

    def model_name(self):
        return self._model_name

    def get_response_sender(self):
        if self._state is None:
            raise TritonModelException(
                "Unable to send response. Response sender has no reference to the decoupled state "
                "of the model."
            )
        self._sender_taken = True
        return InferenceResponseSender(self._state)

    def is_cancelled(self):
        if self._state is None:
            return False
        return InferenceResponseSender(self._state).is_cancelled()

    def set_release_flags(self, flags):
        """Says what becomes of the request when `execute` has returned: it is done with, or it is
        executed again, as models with `iterative_sequence` may ask for."""
        if flags not in (REQUEST_RELEASE_ALL, REQUEST_RELEASE_RESCHEDULE):
            raise TritonModelException(f"Release flags {flags} are not known.")
        self._release_flags = int(flags)

    def _is_rescheduled(self):
        return self._release_flags == REQUEST_RELEASE_RESCHEDULE

    def exec(self, decoupled=False):
        """Runs the request on the model it names, and waits. Errors are in the response; with
        `decoupled` gives an iterator over the responses."""
        owner = session.current()
        if not owner.initialized or owner.finalizing:
            raise TritonModelException("BLS is only supported during the 'execute' function.")
        arrays = []
        message = {
            "kind": "infer",
            "model": self._model_name,
            "version": self._model_version,
            "decoupled": bool(decoupled),
            "id": self._request_id,
            "correlation": str(self._correlation_id),
            "correlationIsText": isinstance(self._correlation_id, str),
            "flags": self._flags,
            "timeout": str(self._timeout),
            "parameters": parameters_wire(self._parameters),
            "trace": self._trace._request,
            "outputs": self._output_names,
            "tensors": describe(self._inputs, arrays),
        }
        number = owner.call(message, arrays)
        if decoupled:
            return ResponseIterator(owner, number)
        return response_of(*owner.answer(number))

    def async_exec(self, decoupled=False):
        """The same, to be awaited. With `decoupled` the first response is there by then: going through
        the iterator blocks the event loop, which other requests need meanwhile."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(None, lambda: self._exec_until_answered(decoupled))

    def _exec_until_answered(self, decoupled):
        answer = self.exec(decoupled)
        if decoupled:
            answer._wait_for_first()
        return answer


InferenceRequest.__module__ = "c_python_backend_utils"
