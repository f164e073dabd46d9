"""`pb_utils.InferenceResponse`, and responses as messages."""

from .errors import ErrorCode, TritonError, TritonModelException
from .parameters import parameters_from_wire, parameters_text, parameters_wire
from .tensor import Tensor
from .tensor_wire import describe, tensors_of


class InferenceResponse:
    """One answer: tensors, or an error (which hides tensors beside it), and parameters."""

    __slots__ = ("_tensors", "_error", "_parameters", "__weakref__")

    def __init__(self, output_tensors=(), error=None, parameters=None):
        tensors = list(output_tensors)
        for tensor in tensors:
            if tensor is None:
                raise TritonModelException(
                    "Output tensor for inference response should not be empty."
                )
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"InferenceResponse(): output_tensors must be Tensor objects, found {type(tensor)}"
                )
        if error is not None and not isinstance(error, TritonError):
            raise TypeError(f"InferenceResponse(): error must be a TritonError, found {type(error)}")
        self._tensors = tensors
        self._error = error
        self._parameters = parameters_text(parameters)

    def output_tensors(self):
        return self._tensors

    def has_error(self):
        return self._error is not None

    def error(self):
        return self._error

    def parameters(self):
        """The parameters as JSON text."""
        return self._parameters


InferenceResponse.__module__ = "c_python_backend_utils"


def wanted_tensors(response, requested_names):
    """Those of a response's tensors that were asked for."""
    for tensor in response._tensors:
        if tensor._name not in requested_names:
            return [each for each in response._tensors if each._name in requested_names]
    return response._tensors


def response_message(response, requested_names, arrays, shared=None, inputs=()):
    """A response as a message says it; adds to `arrays` what the payload carries. See `describe`."""
    if response._error is not None:
        error = response._error
        return {"error": {"code": error.code().name, "message": error.message()}}
    wanted = wanted_tensors(response, requested_names)
    message = {"tensors": describe(wanted, arrays, shared, inputs)}
    if response._parameters != "{}":
        message["parameters"] = parameters_wire(response._parameters)
    return message


def response_of(message, payload):
    """The response that a message of the server carries."""
    response = InferenceResponse.__new__(InferenceResponse)
    error = message.get("error")
    response._error = (
        None if error is None else TritonError(error["message"], ErrorCode[error["code"]])
    )
    response._tensors = tensors_of(message.get("tensors", ()), payload)
    response._parameters = parameters_from_wire(message.get("parameters", ()))
    return response
