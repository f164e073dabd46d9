"""The tensors that models get and give."""

import numpy as np

from .byte_tensors import deserialize_bytes_tensor, serialize_byte_tensor
from .data_types import (
    BF16,
    BYTES,
    NUMBER_BY_DTYPE,
    NUMBERS,
    WIRE_NAMES,
    numpy_to_triton_type,
    triton_to_numpy_type,
)
from .dlpack import bf16_capsule, bits_of_bf16
from .errors import TritonModelException
from .text import text_of

_CPU_DEVICE = (1, 0)


class Tensor:
    """A named array. Its memory is the array's own where that is contiguous, otherwise a copy."""

    __slots__ = ("_name", "_number", "_shape", "_array", "_data", "__weakref__")

    def __init__(self, name, numpy_array):
        if not isinstance(numpy_array, np.ndarray):
            raise TypeError(f"Tensor(): numpy_array must be an array, found {type(numpy_array)}")
        number = NUMBER_BY_DTYPE.get(numpy_array.dtype)
        if number is None:
            numpy_array, number = _converted(name, numpy_array)
        if not numpy_array.flags.c_contiguous:
            numpy_array = np.ascontiguousarray(numpy_array)
        self._set(name, number, numpy_array.shape, numpy_array, None)

    def _set(self, name, number, shape, array, data):
        if type(name) is not str:
            name = text_of(name, "Tensor(): name")
        if name == "":
            raise TritonModelException("Tensor name cannot be an empty string.")
        self._name = name
        self._number = number
        self._shape = shape
        self._array = array
        self._data = data

    @classmethod
    def _from_wire(cls, name, wire_type, shape, data):
        """A tensor on memory that the server filled: `data` is an array of uint8, or bytes."""
        tensor = cls.__new__(cls)
        tensor._set(name, NUMBERS[wire_type], shape, None, data)
        return tensor

    @classmethod
    def _of_bf16(cls, name, bits):
        tensor = cls.__new__(cls)
        tensor._set(name, BF16, bits.shape, None, np.ascontiguousarray(bits))
        return tensor

    def _bits(self):
        """Of a BF16 tensor: its elements as uint16."""
        if len(self._data) == 0:
            return np.empty(self._shape, dtype=np.uint16)
        return np.frombuffer(self._data, dtype=np.uint16).reshape(self._shape)

    def _wire(self):
        """Its data type's name and its bytes, ready to be sent."""
        if self._data is not None:
            return WIRE_NAMES[self._number], self._data
        if self._number == BYTES:
            return "BYTES", serialize_byte_tensor(self._array) or b""
        return WIRE_NAMES[self._number], self._array

    def name(self):
        return self._name

    def triton_dtype(self):
        """The number of the data type in Triton's C API."""
        return self._number

    def shape(self):
        return list(self._shape)

    def is_cpu(self):
        return True

    def as_numpy(self):
        """The array; writing to it writes to the tensor. BF16 has no numpy type."""
        if self._array is None:
            self._array = self._read()
        return self._array

    def _read(self):
        if self._number == BF16:
            raise TritonModelException(
                "Tensor dtype is BF16 and cannot be converted to NumPy. Use to_dlpack() and "
                "from_dlpack() instead."
            )
        if self._number == BYTES:
            array = deserialize_bytes_tensor(self._data).reshape(self._shape)
            # The model may change the elements: from here on the array is what counts.
            self._data = None
            return array
        numpy_type = triton_to_numpy_type(self._number)
        if len(self._data) == 0:
            return np.empty(self._shape, dtype=numpy_type)
        return np.frombuffer(self._data, dtype=numpy_type).reshape(self._shape)

    def to_dlpack(self):
        """A DLPack capsule of the tensor's own memory."""
        return self.__dlpack__()

    def __dlpack__(self, stream=None, **_options):
        if stream is not None and stream != -1:
            raise TritonModelException("A tensor in CPU memory has no stream to wait for.")
        if self._number == BYTES:
            raise TritonModelException("DLPack does not have support for string tensors.")
        if self._number == BF16:
            data = self._data if len(self._data) > 0 else None
            return bf16_capsule(data, self._shape)
        return self.as_numpy().__dlpack__()

    def __dlpack_device__(self):
        return _CPU_DEVICE

    @staticmethod
    def from_dlpack(name, tensor):
        """A tensor of a DLPack capsule's memory, or of an object with `__dlpack__`. CPU only."""
        if len(name) == 0:
            raise TritonModelException("Tensor name cannot be an empty string.")
        if hasattr(tensor, "__dlpack_device__"):
            device = int(tensor.__dlpack_device__()[0])
            # 3 is memory of the host that a GPU can reach.
            if device not in (1, 3):
                raise TritonModelException(
                    f"DLDevice type {device} is not supported: tensors must be in CPU memory."
                )
            capsule = tensor.__dlpack__()
        elif type(tensor).__name__ == "PyCapsule":
            capsule = tensor
        else:
            raise TritonModelException(
                "Provided tensor is not supported. Tensor must be a DLPack capsule or have "
                "`__dlpack__` and `__dlpack_device__` attributes"
            )
        bits = bits_of_bf16(capsule)
        if bits is not None:
            return Tensor._of_bf16(name, bits)
        array = np.from_dlpack(_CapsuleHolder(capsule))
        if not array.flags.c_contiguous:
            raise TritonModelException(
                "DLPack tensor is not contiguous. Only contiguous DLPack tensors that are stored in "
                "C-Order are supported."
            )
        return Tensor(name, array)


def _converted(name, array):
    """An array of a type that Triton has, and the number of the type."""
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    number = numpy_to_triton_type(array.dtype)
    if number is None:
        raise TritonModelException(
            f"Tensor '{name}' has numpy type '{array.dtype}', which is no data type of Triton."
        )
    return (array.astype(np.object_) if number == BYTES else array), number


class _CapsuleHolder:
    """numpy takes objects that give a capsule, not the capsule itself."""

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **_options):
        return self._capsule

    def __dlpack_device__(self):
        return _CPU_DEVICE


Tensor.__module__ = "c_python_backend_utils"
