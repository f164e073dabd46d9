"""The data types of the v2 protocol, with ONNX's name of each, and values at their limits."""

import ml_dtypes
import numpy as np

TYPES = {
    "BOOL": "BOOL",
    "UINT8": "UINT8",
    "UINT16": "UINT16",
    "UINT32": "UINT32",
    "UINT64": "UINT64",
    "INT8": "INT8",
    "INT16": "INT16",
    "INT32": "INT32",
    "INT64": "INT64",
    "FP16": "FLOAT16",
    "BF16": "BFLOAT16",
    "FP32": "FLOAT",
    "FP64": "DOUBLE",
    "BYTES": "STRING",
}

FLOATS = {"FP16": np.float16, "BF16": ml_dtypes.bfloat16, "FP32": np.float32, "FP64": np.float64}


def sample(datatype: str) -> np.ndarray:
    """Values of the type, among them the extreme ones; one dimension."""
    if datatype == "BOOL":
        return np.array([True, False, True, True, False])
    if datatype == "BYTES":
        return np.array(
            [b"", b"plain", "Größe ネレイド 🌊".encode(), b'quote " slash \\ line\n', b"x" * 70_000],
            dtype=np.object_,
        )
    if datatype in FLOATS:
        kind = FLOATS[datatype]
        limits = ml_dtypes.finfo(kind)
        finite = [0.0, -0.0, 1.5, -2.25, 1 / 3, limits.max, limits.min, limits.tiny]
        return np.array(finite, dtype=np.float64).astype(kind)
    kind = np.dtype(datatype.replace("UINT", "uint").replace("INT", "int"))
    limits = np.iinfo(kind)
    return np.array([0, 1, 7, limits.max, limits.min, limits.max - 1], dtype=kind)


def special(datatype: str) -> np.ndarray:
    """Infinities and not-a-number."""
    return np.array([np.inf, -np.inf, np.nan], dtype=np.float32).astype(FLOATS[datatype])
