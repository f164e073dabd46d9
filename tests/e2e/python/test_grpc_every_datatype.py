"""Every data type goes through gRPC unchanged, bit by bit."""

import numpy as np
import pytest
import tritonclient.grpc as triton

from datatypes import FLOATS, TYPES, sample, special

BACKENDS = ["onnx", "identity"]


@pytest.fixture(scope="module")
def client(grpc_url):
    with triton.InferenceServerClient(grpc_url) as client:
        yield client


def ask(client, backend, datatype, values, **options):
    tensor = values[None] if backend == "onnx" else values
    given = triton.InferInput("INPUT0", tensor.shape, datatype)
    given.set_data_from_numpy(tensor)
    answer = client.infer(f"{backend}_{datatype}", [given], **options)
    output = answer.get_output("OUTPUT0")
    assert output.datatype == datatype
    assert list(output.shape) == list(tensor.shape)
    got = answer.as_numpy("OUTPUT0")
    return got[0] if backend == "onnx" else got


def same_bits(got, values):
    if values.dtype == np.object_:
        assert list(got) == list(values)
    else:
        assert got.dtype == values.dtype
        assert got.tobytes() == values.tobytes()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("datatype", TYPES)
@pytest.mark.parametrize("coding", [None, "gzip"])
def test_values(client, backend, datatype, coding):
    values = sample(datatype)
    same_bits(ask(client, backend, datatype, values, compression_algorithm=coding), values)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("datatype", FLOATS)
def test_infinities_and_nan(client, backend, datatype):
    values = special(datatype)
    same_bits(ask(client, backend, datatype, values), values)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("datatype", TYPES)
def test_no_elements(client, backend, datatype):
    got = ask(client, backend, datatype, sample(datatype)[:0])
    assert got is None or got.size == 0
