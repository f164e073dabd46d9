"""Triton's synchronous HTTP client against the example models."""

import numpy as np
import pytest
import tritonclient.http as triton

from refusals import refused
from simple_model import FIRST, SECOND, simple_inputs


def test_health(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("simple")
    assert client.is_model_ready("simple", "1")
    assert not client.is_model_ready("simple", "2")
    assert not client.is_model_ready("nobody")


def test_server_metadata(client):
    metadata = client.get_server_metadata()
    assert metadata["name"] == "triton"
    assert metadata["version"]
    assert {"classification", "binary_tensor_data", "statistics"} <= set(metadata["extensions"])


def test_model_metadata(client):
    assert client.get_model_metadata("digits") == {
        "name": "digits",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}],
    }


def test_completed_config(client):
    config = client.get_model_config("iris")
    assert config["backend"] == "onnxruntime"
    assert config["max_batch_size"] == 4
    assert [(i["name"], i["data_type"], i["dims"]) for i in config["input"]] == [
        ("X", "TYPE_FP32", [4])
    ]
    outputs = {o["name"]: (o["data_type"], o["dims"]) for o in config["output"]}
    assert outputs == {"label": ("TYPE_STRING", [1]), "probabilities": ("TYPE_FP32", [3])}
    assert "dynamic_batching" in config


def test_repository_index(client):
    index = {entry["name"]: entry for entry in client.get_model_repository_index()}
    assert index["wine"] == {"name": "wine", "version": "1", "state": "READY"}


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_add_sub(client, binary_in, binary_out):
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("OUTPUT0", "OUTPUT1")
    ]
    answer = client.infer(
        "simple", simple_inputs(triton, binary_data=binary_in), outputs=wanted, request_id="a 1"
    )
    assert answer.get_response()["id"] == "a 1"
    assert answer.get_response()["model_version"] == "1"
    assert (answer.as_numpy("OUTPUT0") == FIRST + SECOND).all()
    assert (answer.as_numpy("OUTPUT1") == FIRST - SECOND).all()


def test_one_output_of_two(client):
    wanted = [triton.InferRequestedOutput("OUTPUT1")]
    answer = client.infer("simple", simple_inputs(triton), outputs=wanted)
    assert answer.as_numpy("OUTPUT0") is None
    assert (answer.as_numpy("OUTPUT1") == FIRST - SECOND).all()


def test_all_outputs_when_none_is_named(client):
    answer = client.infer("simple", simple_inputs(triton), model_version="1")
    assert [output["name"] for output in answer.get_response()["outputs"]] == ["OUTPUT0", "OUTPUT1"]
    assert "binary_data_size" in answer.get_output("OUTPUT0")["parameters"]


def test_largest_batch(client):
    first = np.arange(8 * 16, dtype=np.int32).reshape(8, 16)
    answer = client.infer("simple", simple_inputs(triton, first, first))
    assert (answer.as_numpy("OUTPUT0") == 2 * first).all()


def test_strings(client):
    first = np.arange(16).astype(str).astype(np.object_)[None]
    given = [triton.InferInput(name, [1, 16], "BYTES") for name in ("INPUT0", "INPUT1")]
    given[0].set_data_from_numpy(first, binary_data=True)
    given[1].set_data_from_numpy(first, binary_data=False)
    answer = client.infer("simple_string", given)
    assert [int(x) for x in answer.as_numpy("OUTPUT0")[0]] == [2 * n for n in range(16)]
    assert [int(x) for x in answer.as_numpy("OUTPUT1")[0]] == [0] * 16


def test_classification_with_names(client):
    given = triton.InferInput("text", [2, 1], "BYTES")
    texts = [["Gdzie jest dworzec?"], ["Where is the station?"]]
    given.set_data_from_numpy(np.array(texts, dtype=np.object_))
    wanted = triton.InferRequestedOutput("scores", class_count=3)
    answer = client.infer("language", [given], outputs=[wanted]).as_numpy("scores")
    assert answer.shape == (2, 3)
    rows = [[entry.decode().split(":") for entry in row] for row in answer]
    assert [row[0][2] for row in rows] == ["Polish", "English"]
    for row in rows:
        scores = [float(entry[0]) for entry in row]
        assert scores == sorted(scores, reverse=True) and 0.9 < scores[0] <= 1


def test_async_infer(client):
    batches = [np.full((1, 16), n, np.int32) for n in range(40)]
    pending = [client.async_infer("simple", simple_inputs(triton, FIRST, batch)) for batch in batches]
    for request, batch in zip(pending, batches):
        assert (request.get_result().as_numpy("OUTPUT0") == FIRST + batch).all()


def test_custom_parameters_and_query(client):
    answer = client.infer(
        "simple",
        simple_inputs(triton),
        parameters={"tenant": "a", "weight": 3, "trace": True},
        query_params={"test_1": 1, "test_2": "two words"},
        headers={"x-tenant": "a"},
        priority=1,
        timeout=5_000_000,
    )
    assert (answer.as_numpy("OUTPUT0") == FIRST + SECOND).all()


def test_own_request_and_response_bodies(client, url):
    body, json_size = triton.InferenceServerClient.generate_request_body(simple_inputs(triton))
    connection = triton.InferenceServerClient(url)
    headers = {"Inference-Header-Content-Length": str(json_size)}
    response = connection._post("v2/models/simple/infer", body, headers, None)
    size = response.get("Inference-Header-Content-Length")
    parsed = triton.InferenceServerClient.parse_response_body(
        response.read(), header_length=int(size)
    )
    assert (parsed.as_numpy("OUTPUT0") == FIRST + SECOND).all()
    connection.close()


def test_unknown_model(client):
    error = refused(lambda: client.infer("nobody", simple_inputs(triton)))
    assert error.status() == "404"
    assert error.message() == "Request for unknown model: 'nobody' is not found"


def test_unknown_version(client):
    error = refused(lambda: client.infer("simple", simple_inputs(triton), model_version="9"))
    assert error.status() == "404"
    assert error.message() == "Request for unknown model: 'simple' version 9 is not found"


def test_wrong_shape(client):
    wide = np.zeros((1, 17), np.int32)
    error = refused(lambda: client.infer("simple", simple_inputs(triton, wide, wide)))
    assert error.status() == "400"
    assert error.message().startswith("[request id: <id_unknown>] unexpected shape for input 'INPUT")
    assert "' for model 'simple'. Expected [-1,16], got [1,17]. NOTE: " in error.message()


def test_too_large_a_batch(client):
    nine = np.zeros((9, 16), np.int32)
    error = refused(lambda: client.infer("simple", simple_inputs(triton, nine, nine), request_id="r9"))
    assert error.message() == "[request id: r9] inference request batch-size must be <= 8 for 'simple'"


def test_wrong_datatype(client):
    given = triton.InferInput("INPUT0", [1, 16], "FP32")
    given.set_data_from_numpy(FIRST.astype(np.float32))
    error = refused(lambda: client.infer("simple", [given, simple_inputs(triton)[1]]))
    assert error.message() == (
        "[request id: <id_unknown>] inference input 'INPUT0' data-type is 'FP32', "
        "but model 'simple' expects 'INT32'"
    )


def test_missing_input(client):
    error = refused(lambda: client.infer("simple", simple_inputs(triton)[:1]))
    assert error.message() == (
        "[request id: <id_unknown>] expected 2 inputs but got 1 inputs for model 'simple'. "
        "Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. "
        "Please provide all required input(s)."
    )


def test_unknown_output(client):
    wanted = [triton.InferRequestedOutput("OUTPUT7")]
    error = refused(lambda: client.infer("simple", simple_inputs(triton), outputs=wanted))
    assert "unexpected inference output 'OUTPUT7' for model 'simple'" in error.message()


def test_failure_inside_the_model_does_not_end_the_server(client):
    words = np.full((1, 16), "no number", dtype=np.object_)
    given = [triton.InferInput(name, [1, 16], "BYTES") for name in ("INPUT0", "INPUT1")]
    for tensor in given:
        tensor.set_data_from_numpy(words)
    error = refused(lambda: client.infer("simple_string", given))
    assert error.status() == "500"
    assert error.message().startswith("onnx runtime error")
    test_strings(client)


def test_no_load_in_control_mode_none(client):
    error = refused(lambda: client.load_model("simple"))
    assert error.status() == "503"
    assert "explicit model load / unload is not allowed" in error.message()
