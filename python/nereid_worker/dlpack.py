"""DLPack capsules of BF16 tensors, which numpy cannot read or make."""

import ctypes

import numpy as np

_BFLOAT_CODE = 4


class _Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class _DataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _ManagedTensor(ctypes.Structure):
    pass


_Deleter = ctypes.CFUNCTYPE(None, ctypes.POINTER(_ManagedTensor))
_ManagedTensor._fields_ = [
    ("tensor", _Tensor),
    ("context", ctypes.c_void_p),
    ("deleter", _Deleter),
]

_api = ctypes.pythonapi
_new = _api.PyCapsule_New
_new.restype = ctypes.py_object
_new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_pointer = _api.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_is_valid = _api.PyCapsule_IsValid
_is_valid.restype = ctypes.c_int
_is_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]
_set_name = _api.PyCapsule_SetName
_set_name.restype = ctypes.c_int
_set_name.argtypes = [ctypes.py_object, ctypes.c_char_p]

# A capsule's name must outlive it.
_FRESH = b"dltensor"
_USED = b"used_dltensor"

# What capsules point to, by address, until their consumer calls the deleter. A capsule that is never
# consumed keeps its entry: 150 bytes and the tensor's memory; consumers that ask for one take it.
_alive = {}


@_Deleter
def _delete(managed):
    _alive.pop(ctypes.addressof(managed.contents), None)


def bf16_capsule(data, shape):
    """A capsule of BF16 elements on `data`, an array of bytes that may be written to."""
    bits = np.frombuffer(data, dtype=np.uint16) if data is not None else np.empty(0, np.uint16)
    dims = (ctypes.c_int64 * max(1, len(shape)))(*shape)
    managed = _ManagedTensor()
    managed.tensor.data = bits.ctypes.data
    managed.tensor.device = _Device(1, 0)
    managed.tensor.ndim = len(shape)
    managed.tensor.dtype = _DataType(_BFLOAT_CODE, 16, 1)
    managed.tensor.shape = ctypes.cast(dims, ctypes.POINTER(ctypes.c_int64))
    managed.deleter = _delete
    _alive[ctypes.addressof(managed)] = (managed, dims, bits)
    return _new(ctypes.addressof(managed), _FRESH, None)


def bits_of_bf16(capsule):
    """The elements of a BF16 capsule as uint16, copied; None for any other type, which stays unread."""
    if not _is_valid(capsule, _FRESH):
        raise ValueError("the DLPack capsule was already used")
    managed = ctypes.cast(_pointer(capsule, _FRESH), ctypes.POINTER(_ManagedTensor)).contents
    tensor = managed.tensor
    if tensor.dtype.code != _BFLOAT_CODE or tensor.dtype.bits != 16 or tensor.dtype.lanes != 1:
        return None
    shape = [tensor.shape[index] for index in range(tensor.ndim)]
    count = int(np.prod(shape, dtype=np.int64))
    if tensor.strides and count > 1:
        expected = 1
        for index in reversed(range(tensor.ndim)):
            if shape[index] != 1 and tensor.strides[index] != expected:
                raise ValueError(
                    "DLPack tensor is not contiguous. Only contiguous DLPack tensors that are stored "
                    "in C-Order are supported."
                )
            expected *= shape[index]
    bits = np.empty(count, dtype=np.uint16)
    if count > 0:
        ctypes.memmove(bits.ctypes.data, tensor.data + tensor.byte_offset, count * 2)
    _set_name(capsule, _USED)
    if managed.deleter:
        managed.deleter(ctypes.pointer(managed))
    return bits.reshape(shape)
