"""Models that are loaded when they are asked for; the server runs with --model-control-mode=lazy.

Each test asks for models that no other test asks for.
"""

import queue

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException


def inputs():
    given = triton.InferInput("INPUT0", [2], "FP32")
    given.set_data_from_numpy(np.array([1, 2], np.float32))
    return [given]


@pytest.fixture
def grpc(grpc_url):
    with triton.InferenceServerClient(grpc_url) as client:
        yield client


def state(grpc, name):
    index = grpc.get_model_repository_index().models
    return next(model.state for model in index if model.name == name)


def test_an_inference_loads_its_model(grpc):
    assert grpc.is_server_ready()
    assert grpc.is_model_ready("unary")
    assert state(grpc, "unary") == ""
    answer = grpc.infer("unary", inputs()).as_numpy("OUTPUT0")
    assert answer.tolist() == [1, 2]
    assert state(grpc, "unary") == "READY"


def test_metadata_and_configuration_load_the_model(grpc):
    assert grpc.get_model_metadata("asked").versions == ["1"]
    assert grpc.get_model_config("asked").config.name == "asked"


def test_a_stream_keeps_its_order_while_models_are_loaded(grpc):
    answers = queue.Queue()
    grpc.start_stream(lambda result, error: answers.put((result, error)))
    names = ["first", "second", "nothing", "first"]
    for number, name in enumerate(names):
        grpc.async_stream_infer(name, inputs(), request_id=str(number))
    seen = [answers.get(timeout=60) for _ in names]
    grpc.stop_stream()
    assert [error is None for _, error in seen] == [True, True, False, True]
    assert "Request for unknown model: 'nothing' is not found" in str(seen[2][1])
    ids = [result.get_response().id for result, error in seen if error is None]
    assert ids == ["0", "1", "3"]


def test_unknown_models_are_unknown(grpc):
    assert not grpc.is_model_ready("nothing")
    with pytest.raises(InferenceServerException, match="'nothing' is not found"):
        grpc.infer("nothing", inputs())


def test_an_operator_may_load_and_unload(grpc):
    grpc.load_model("operated")
    assert state(grpc, "operated") == "READY"
    grpc.unload_model("operated")
    assert grpc.infer("operated", inputs()).as_numpy("OUTPUT0").tolist() == [1, 2]
