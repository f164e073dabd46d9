"""Tensors as messages describe them: `[name, data type, shape, bytes]`, their bytes in the payload."""

from .channel import padded
from .tensor import Tensor


def describe(tensors, arrays):
    """Descriptions of the tensors; adds their memory to `arrays`, in the same order."""
    descriptions = []
    for tensor in tensors:
        data_type, data = tensor._wire()
        size = data.nbytes if hasattr(data, "nbytes") else len(data)
        arrays.append(data)
        descriptions.append([tensor._name, data_type, tensor._shape, size])
    return descriptions


class TensorReader:
    """Makes the tensors of a payload, one description after the other. They share its memory."""

    def __init__(self, payload):
        self._payload = payload
        self._offset = 0

    def take(self, descriptions):
        tensors = []
        for name, data_type, shape, size in descriptions:
            offset = self._offset
            self._offset = offset + padded(size)
            data = b"" if size == 0 else self._payload[offset : offset + size]
            tensors.append(Tensor._from_wire(name, data_type, shape, data))
        return tensors


def tensors_of(descriptions, payload):
    return TensorReader(payload).take(descriptions)
