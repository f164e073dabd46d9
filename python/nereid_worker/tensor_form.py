"""What tensors have in common that differ in nothing but their contents."""

import numpy as np

from .channel import ALIGNMENT
from .data_types import BF16, BYTES, NUMBERS, triton_to_numpy_type
from .tensor import Tensor


class TensorForm:
    """All of a tensor of the server but its contents, and where in a payload they lie."""

    __slots__ = ("_name", "_number", "_shape", "_dtype", "_size", "_offset")

    def __init__(self, name, wire_type, shape, size, offset):
        self._name = name
        self._number = NUMBERS[wire_type]
        self._shape = tuple(shape)
        read_later = self._number == BYTES or self._number == BF16
        self._dtype = None if read_later else np.dtype(triton_to_numpy_type(self._number))
        self._size = size
        self._offset = offset

    def tensor(self, payload, start):
        """The tensor, on the memory of a payload and counted from there."""
        tensor = Tensor.__new__(Tensor)
        tensor._name = self._name
        tensor._number = self._number
        tensor._shape = self._shape
        tensor._array = tensor._data = None
        if self._size == 0:
            tensor._data = b""
        elif self._dtype is None:
            tensor._data = np.frombuffer(payload, np.uint8, self._size, start + self._offset)
        else:
            tensor._array = np.ndarray(self._shape, self._dtype, payload, start + self._offset)
        return tensor


def form_of(tensors, bytes_max):
    """What an answer of these tensors has in common with others: the tensors' names, types and shapes. None
    for texts, whose sizes vary, and for more than so many bytes."""
    form = []
    size = 0
    for tensor in tensors:
        if tensor._data is not None or tensor._number == BYTES:
            return None
        # The place that it takes is less than that.
        size += tensor._array.nbytes + ALIGNMENT
        form.append((tensor._name, tensor._number, tensor._shape))
    return None if size > bytes_max else tuple(form)
