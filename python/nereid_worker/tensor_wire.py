"""Tensors as messages describe them: `[name, data type, shape, bytes]`, their bytes in the payload; with a
place as fifth, they are there in the memory that server and worker have in common."""

from .channel import SHARED_BYTES_MAX, SHARED_BYTES_MIN, padded
from .errors import TritonModelException
from .tensor import Tensor

# What the server takes in one message.
_PAYLOAD_BYTES_MAX = 0xFFFF_FFFF


def describe(tensors, arrays, shared=None, inputs=()):
    """Descriptions of the tensors; adds their memory to `arrays`, in the same order. What lies in one of
    the `inputs`, ranges of the shared memory, is described by its place alone."""
    descriptions = []
    for tensor in tensors:
        data_type, data = tensor._wire()
        size = data.nbytes if hasattr(data, "nbytes") else len(data)
        if inputs and size >= SHARED_BYTES_MIN and hasattr(data, "nbytes"):
            place = shared.place_of(data)
            if any(start <= place and place + size <= end for start, end in inputs):
                descriptions.append([tensor._name, data_type, list(tensor._shape), size, place])
                continue
        arrays.append(data)
        if size > SHARED_BYTES_MAX:
            _check_size(arrays)
        descriptions.append([tensor._name, data_type, list(tensor._shape), size])
    return descriptions


def _check_size(arrays):
    sizes = (data.nbytes if hasattr(data, "nbytes") else len(data) for data in arrays)
    total = sum(padded(size) for size in sizes)
    if total > _PAYLOAD_BYTES_MAX:
        raise TritonModelException(
            f"the tensors take {total} bytes, at most {_PAYLOAD_BYTES_MAX} are possible"
        )


class TensorReader:
    """Makes the tensors of a message, one description after the other. They share its memory."""

    def __init__(self, payload, shared=None):
        self._payload = payload
        self._shared = shared
        self._offset = 0

    def take(self, descriptions):
        return [self._next(*description) for description in descriptions]

    def _next(self, name, data_type, shape, size, place=None):
        if place is not None:
            return Tensor._from_wire(name, data_type, shape, self._shared.at(place, size))
        offset = self._offset
        self._offset = offset + padded(size)
        data = b"" if size == 0 else self._payload[offset : offset + size]
        return Tensor._from_wire(name, data_type, shape, data)


def tensors_of(descriptions, payload):
    return TensorReader(payload).take(descriptions)


def places_of(descriptions):
    """The ranges of shared memory that the tensors lie in."""
    return [(each[4], each[4] + each[3]) for each in descriptions if len(each) > 4]
