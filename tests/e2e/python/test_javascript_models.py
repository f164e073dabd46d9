"""Models of the JavaScript backend, asked by Triton's own clients over HTTP and gRPC."""

import queue

import numpy as np
import pytest
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
from tritonclient.utils import InferenceServerException

from datatypes import TYPES, sample

CLIENTS = {"http": http_client, "grpc": grpc_client}


@pytest.fixture(params=CLIENTS)
def ask(request, url, grpc_url):
    library = CLIENTS[request.param]
    address = url if request.param == "http" else grpc_url

    def infer(model, values, datatype):
        with library.InferenceServerClient(address) as client:
            given = library.InferInput("X", values.shape, datatype)
            given.set_data_from_numpy(values)
            return client.infer(model, [given]).as_numpy("Y")

    return infer


@pytest.mark.parametrize("datatype", TYPES)
def test_every_type_comes_back_as_it_was(ask, datatype):
    values = sample(datatype)
    got = ask(f"echo_{datatype}", values, datatype)
    assert got.dtype == values.dtype
    assert list(got) == list(values) if datatype == "BYTES" else got.tobytes() == values.tobytes()


@pytest.mark.parametrize("datatype", ["FP32", "INT64", "BOOL"])
def test_no_elements(ask, datatype):
    values = sample(datatype)[:0]
    assert ask(f"echo_{datatype}", values, datatype).shape == (0,)


def test_texts(ask):
    values = np.array(["neptune", "größe"], dtype=np.object_)
    assert [x.decode() for x in ask("upper", values, "BYTES")] == ["NEPTUNE", "GRÖSSE"]


def test_text_that_is_none(ask):
    with pytest.raises(InferenceServerException, match="element 0 of tensor 'X' is not UTF-8"):
        ask("upper", np.array([b"\xff\xfe"], dtype=np.object_), "BYTES")


def stream(grpc_url, counts):
    """The answers to each request of one stream, by its id."""
    events = queue.Queue()
    answers = {str(index): [] for index in range(len(counts))}
    with grpc_client.InferenceServerClient(grpc_url) as client:
        client.start_stream(lambda result, error: events.put((result, error)))
        for index, count in enumerate(counts):
            given = grpc_client.InferInput("X", [1], "INT32")
            given.set_data_from_numpy(np.array([count], dtype=np.int32))
            client.async_stream_infer(
                "counting", [given], request_id=str(index), enable_empty_final_response=True
            )
        left = len(counts)
        while left > 0:
            result, error = events.get(timeout=60)
            if error is not None:
                answers["error"] = str(error)
                left -= 1
                continue
            response = result.get_response()
            if response.parameters["triton_final_response"].bool_param:
                left -= 1
            else:
                answers[response.id].append(int(result.as_numpy("Y")[0]))
        client.stop_stream()
    return answers


def test_decoupled_stream(grpc_url):
    answers = stream(grpc_url, [3, 0, 500])
    assert answers == {"0": [0, 1, 2], "1": [], "2": list(range(500))}


def test_error_in_a_stream(grpc_url):
    answers = stream(grpc_url, [-1])
    assert "RangeError: below 0" in answers["error"]
