"""Every data type goes in and comes out unchanged, bit by bit."""

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from datatypes import FLOATS, TYPES, sample, special

BACKENDS = ["onnx", "identity"]
BINARY_ONLY = ["FP16", "BF16"]


def ask(client, backend, datatype, values, binary_in, binary_out, **options):
    tensor = values[None] if backend == "onnx" else values
    given = triton.InferInput("INPUT0", tensor.shape, datatype)
    given.set_data_from_numpy(tensor, binary_data=binary_in)
    wanted = triton.InferRequestedOutput("OUTPUT0", binary_data=binary_out)
    answer = client.infer(f"{backend}_{datatype}", [given], outputs=[wanted], **options)
    output = answer.get_output("OUTPUT0")
    assert output["datatype"] == datatype
    assert output["shape"] == list(tensor.shape)
    assert ("data" in output) != binary_out
    got = answer.as_numpy("OUTPUT0")
    return got[0] if backend == "onnx" else got


def same_bits(got, values):
    if values.dtype == np.object_:
        as_bytes = [x if isinstance(x, bytes) else x.encode() for x in got]
        assert as_bytes == list(values)
    else:
        assert got.dtype == values.dtype
        assert got.tobytes() == values.tobytes()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("datatype", TYPES)
def test_binary(client, backend, datatype):
    values = sample(datatype)
    same_bits(ask(client, backend, datatype, values, True, True), values)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("datatype", [t for t in TYPES if t not in BINARY_ONLY])
@pytest.mark.parametrize("ways", [(False, False), (False, True), (True, False)])
def test_json(client, backend, datatype, ways):
    values = sample(datatype)
    same_bits(ask(client, backend, datatype, values, *ways), values)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("datatype", FLOATS)
def test_infinities_and_nan(client, backend, datatype):
    values = special(datatype)
    same_bits(ask(client, backend, datatype, values, True, True), values)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("datatype", TYPES)
def test_no_elements(client, backend, datatype):
    got = ask(client, backend, datatype, sample(datatype)[:0], True, True)
    assert got is None or got.size == 0


@pytest.mark.parametrize("datatype", BINARY_ONLY)
def test_half_precision_cannot_be_json(client, datatype):
    with pytest.raises(InferenceServerException) as caught:
        ask(client, "onnx", datatype, sample(datatype), True, False)
    assert f"sending {datatype} data via JSON is not supported" in caught.value.message()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("request_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("response_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_compression(client, backend, request_coding, response_coding, binary):
    values = np.arange(5000, dtype=np.int32)
    got = ask(
        client,
        backend,
        "INT32",
        values,
        binary,
        binary,
        request_compression_algorithm=request_coding,
        response_compression_algorithm=response_coding,
    )
    same_bits(got, values)


def test_bytes_that_are_no_text(client):
    values = np.array([b"\xff\x00\xfe", b"\x80"], dtype=np.object_)
    same_bits(ask(client, "identity", "BYTES", values, True, True), values)


def test_four_megabytes(client):
    values = np.random.default_rng(3).standard_normal(1_200_000, dtype=np.float32)
    same_bits(ask(client, "onnx", "FP32", values, True, True), values)
