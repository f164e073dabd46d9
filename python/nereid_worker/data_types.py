"""Triton's data types: their wire names, their numbers in Triton's C API, and their numpy types."""

import numpy as np

# The position of a name is its number in Triton's C API.
WIRE_NAMES = (
    "INVALID",
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
    "BF16",
)
NUMBERS = {name: number for number, name in enumerate(WIRE_NAMES)}

BYTES = NUMBERS["BYTES"]
BF16 = NUMBERS["BF16"]

_NUMPY_TYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
_NUMPY_BY_NUMBER = {NUMBERS[name]: numpy_type for name, numpy_type in _NUMPY_TYPES.items()}
NUMBER_BY_DTYPE = {
    np.dtype(numpy_type): NUMBERS[name] for name, numpy_type in _NUMPY_TYPES.items()
}

# Triton's configuration calls BYTES "TYPE_STRING".
NUMPY_BY_CONFIG_NAME = {
    "TYPE_STRING" if name == "BYTES" else "TYPE_" + name: numpy_type
    for name, numpy_type in _NUMPY_TYPES.items()
}


def triton_to_numpy_type(data_type):
    """The numpy type of a data type's number; None for BF16 and for what is no data type."""
    return _NUMPY_BY_NUMBER.get(data_type)


def numpy_to_triton_type(data_type):
    """The number of a numpy type or dtype; None where Triton has none."""
    dtype = np.dtype(data_type)
    if dtype.kind == "S":
        return BYTES
    return NUMBER_BY_DTYPE.get(dtype)


def triton_string_to_numpy(triton_type_string):
    """The numpy type of a configuration's data type, such as TYPE_FP32."""
    return NUMPY_BY_CONFIG_NAME[triton_type_string]
