"""BYTES tensors as they travel: each element after its length, four bytes, little-endian."""

import struct

import numpy as np


def _bytes_of(element):
    if isinstance(element, bytes):
        return element
    if isinstance(element, (bytearray, memoryview)):
        return bytes(element)
    return str(element).encode("utf-8")


def serialize_byte_tensor(input_tensor):
    """The elements of an array of strings or bytes in C order; None for another array's type."""
    if input_tensor.size == 0:
        return ()
    if input_tensor.dtype != np.object_ and input_tensor.dtype.kind != "S":
        return None
    pieces = []
    pack = struct.Struct("<I").pack
    for element in input_tensor.ravel(order="C").tolist():
        data = _bytes_of(element)
        pieces.append(pack(len(data)))
        pieces.append(data)
    return b"".join(pieces)


def deserialize_bytes_tensor(encoded_tensor):
    """A one-dimensional array of bytes objects. Raises ValueError where a length is wrong."""
    elements = []
    data = bytes(encoded_tensor)
    unpack = struct.Struct("<I").unpack_from
    offset, end = 0, len(data)
    while offset < end:
        if end - offset < 4:
            raise ValueError("a BYTES tensor ends inside the length of an element")
        start = offset + 4
        offset = start + unpack(data, offset)[0]
        if offset > end:
            raise ValueError("an element of a BYTES tensor ends past its data")
        elements.append(data[start:offset])
    # Filled one by one: numpy would look into the elements to find a shape.
    array = np.empty(len(elements), dtype=np.object_)
    array[:] = elements
    return array
