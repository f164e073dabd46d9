import numpy as np
import pytest

import triton_python_backend_utils as pb_utils
from nereid_worker.data_types import WIRE_NAMES
from nereid_worker.tensor import Tensor
from nereid_worker.tensor_wire import TensorReader, describe, tensors_of

NUMPY_TYPES = [
    np.bool_, np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64,
    np.float16, np.float32, np.float64,
]  # fmt: skip


def payload_of(arrays):
    pieces = []
    for array in arrays:
        data = array.tobytes() if hasattr(array, "tobytes") else bytes(array)
        pieces.append(data + bytes(-len(data) % 64))
    return np.frombuffer(b"".join(pieces), dtype=np.uint8).copy()


def travelled(*tensors):
    arrays = []
    descriptions = describe(tensors, arrays)
    return TensorReader(payload_of(arrays)).take(descriptions)


@pytest.mark.parametrize("numpy_type", NUMPY_TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3)])
def test_every_type_survives_the_way(numpy_type, shape):
    array = np.ones(shape, dtype=numpy_type)
    (tensor,) = travelled(pb_utils.Tensor("T", array))
    assert tensor.name() == "T"
    assert tensor.shape() == list(shape)
    assert tensor.triton_dtype() == pb_utils.numpy_to_triton_type(numpy_type)
    assert tensor.as_numpy().dtype == array.dtype
    np.testing.assert_array_equal(tensor.as_numpy(), array)


def test_several_tensors_keep_apart():
    tensors = [pb_utils.Tensor(f"T{n}", np.arange(n, dtype=np.int16)) for n in range(70)]
    for n, tensor in enumerate(travelled(*tensors)):
        np.testing.assert_array_equal(tensor.as_numpy(), np.arange(n, dtype=np.int16))


@pytest.mark.parametrize(
    "elements",
    [[b""], [b"a", b"\x00\xff" * 50, "é世".encode()], [], [b"x" * 100_000]],
)
def test_bytes_survive_the_way(elements):
    array = np.empty(len(elements), dtype=np.object_)
    array[:] = elements
    (tensor,) = travelled(pb_utils.Tensor("S", array))
    assert list(tensor.as_numpy()) == elements
    assert tensor.as_numpy().dtype == np.object_


def test_strings_and_fixed_bytes_become_bytes():
    (text,) = travelled(pb_utils.Tensor("S", np.array(["é", "b"], dtype=np.object_)))
    assert list(text.as_numpy()) == ["é".encode(), b"b"]
    (fixed,) = travelled(pb_utils.Tensor("S", np.array([b"ab", b"c"])))
    assert list(fixed.as_numpy()) == [b"ab", b"c"]


def test_bytes_that_the_model_changes_are_sent_changed():
    (tensor,) = travelled(pb_utils.Tensor("S", np.array([b"a", b"b"], dtype=np.object_)))
    tensor.as_numpy()[0] = b"changed"
    (again,) = travelled(tensor)
    assert list(again.as_numpy()) == [b"changed", b"b"]


def test_arrays_that_are_not_contiguous_are_copied():
    array = np.arange(12, dtype=np.int32).reshape(3, 4).T
    (tensor,) = travelled(pb_utils.Tensor("T", array))
    np.testing.assert_array_equal(tensor.as_numpy(), array)
    big_endian = np.arange(3, dtype=">i4")
    (tensor,) = travelled(pb_utils.Tensor("T", big_endian))
    np.testing.assert_array_equal(tensor.as_numpy(), [0, 1, 2])


def test_unknown_types_and_empty_names_are_refused():
    with pytest.raises(pb_utils.TritonModelException, match="complex128"):
        pb_utils.Tensor("T", np.zeros(1, dtype=np.complex128))
    with pytest.raises(pb_utils.TritonModelException, match="cannot be an empty string"):
        pb_utils.Tensor("", np.zeros(1, dtype=np.float32))
    for name, array in (("T", None), ("T", [1, 2]), ("", None), (None, np.zeros(1))):
        with pytest.raises(TypeError):
            pb_utils.Tensor(name, array)


@pytest.mark.parametrize("data", [b"\x01", b"\x05\x00\x00\x00ab", b"\xff\xff\xff\xff"])
def test_broken_bytes_are_an_error(data):
    with pytest.raises(ValueError):
        pb_utils.deserialize_bytes_tensor(data)


def test_dlpack_both_ways():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = pb_utils.Tensor("T", array)
    assert tensor.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(tensor), array)
    again = pb_utils.Tensor.from_dlpack("U", tensor.to_dlpack())
    assert again.name() == "U"
    np.testing.assert_array_equal(again.as_numpy(), array)
    np.testing.assert_array_equal(
        pb_utils.Tensor.from_dlpack("U", array).as_numpy(), array
    )


def test_dlpack_of_strings_and_of_nothing_are_refused():
    with pytest.raises(pb_utils.TritonModelException, match="string tensors"):
        pb_utils.Tensor("S", np.array([b"a"], dtype=np.object_)).to_dlpack()
    with pytest.raises(pb_utils.TritonModelException, match="not supported"):
        pb_utils.Tensor.from_dlpack("S", 5)


def test_bf16_travels_by_dlpack():
    bits = np.array([[0x3F80, 0x4000], [0xC040, 0]], dtype=np.uint16)
    tensor = Tensor._from_wire("B", "BF16", [2, 2], bits.reshape(-1).view(np.uint8))
    with pytest.raises(pb_utils.TritonModelException, match="BF16 and cannot be converted"):
        tensor.as_numpy()
    copy = pb_utils.Tensor.from_dlpack("C", tensor.to_dlpack())
    assert copy.triton_dtype() == WIRE_NAMES.index("BF16")
    assert copy.shape() == [2, 2]
    (back,) = travelled(copy)
    assert bytes(back._data) == bits.tobytes()


def test_type_tables_agree():
    for name, numpy_type in pb_utils.TRITON_STRING_TO_NUMPY.items():
        assert pb_utils.triton_string_to_numpy(name) is numpy_type
        number = pb_utils.numpy_to_triton_type(numpy_type)
        assert pb_utils.triton_to_numpy_type(number) is numpy_type
    assert pb_utils.triton_to_numpy_type(14) is None
