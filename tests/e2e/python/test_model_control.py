"""Loading and unloading by Triton's client; the server runs with --model-control-mode=explicit.

Nothing but `simple` is loaded at start.
"""

import json
import pathlib

import numpy as np
import tritonclient.http as triton

from refusals import refused

MODELS = pathlib.Path(__file__).resolve().parents[3] / "examples" / "models"


def states(client):
    return {entry["name"]: entry.get("state") for entry in client.get_model_repository_index()}


def infer_simple(client, name="simple", rows=1):
    values = np.ones((rows, 16), np.int32)
    inputs = [triton.InferInput(f"INPUT{i}", values.shape, "INT32") for i in range(2)]
    for given in inputs:
        given.set_data_from_numpy(values)
    return client.infer(name, inputs)


def test_only_what_was_asked_for_is_loaded(client):
    index = states(client)
    assert index["simple"] == "READY"
    assert index["digits"] is None
    assert client.is_server_ready()
    assert not client.is_model_ready("digits")


def test_load_and_unload(client):
    client.load_model("iris")
    assert states(client)["iris"] == "READY"
    assert client.is_model_ready("iris")
    client.unload_model("iris")
    assert not client.is_model_ready("iris")
    entry = next(e for e in client.get_model_repository_index() if e["name"] == "iris")
    assert (entry["state"], entry["reason"]) == ("UNAVAILABLE", "unloaded")
    error = refused(lambda: client.get_model_metadata("iris"))
    assert error.message() == "Request for unknown model: 'iris' has no available versions"


def test_unload_of_a_stranger_is_success(client):
    client.unload_model("nobody")


def test_load_of_a_stranger(client):
    error = refused(lambda: client.load_model("nobody"))
    assert error.message() == "failed to load 'nobody', failed to poll from model repository"


def test_config_override_and_back(client):
    assert client.get_model_config("simple")["max_batch_size"] == 8
    client.load_model("simple", config=json.dumps({"max_batch_size": 16}))
    assert client.get_model_config("simple")["max_batch_size"] == 16
    infer_simple(client, rows=16)
    # As with Triton, a plain load finds the files unchanged and leaves the override in place.
    client.load_model("simple")
    assert client.get_model_config("simple")["max_batch_size"] == 16
    client.unload_model("simple")
    client.load_model("simple")
    assert client.get_model_config("simple")["max_batch_size"] == 8
    error = refused(lambda: infer_simple(client, rows=16))
    assert "batch-size must be <= 8" in error.message()


def test_failed_reload_leaves_the_old_one_serving(client):
    config = json.dumps({"max_batch_size": 8, "input": [{"name": "WRONG"}]})
    error = refused(lambda: client.load_model("simple", config=config))
    assert "load" in error.message() and "simple" in error.message()
    assert client.is_model_ready("simple")
    assert (infer_simple(client).as_numpy("OUTPUT0") == 2).all()


def test_model_sent_with_the_request(client):
    content = (MODELS / "simple" / "1" / "model.onnx").read_bytes()
    client.load_model(
        "sent",
        config=json.dumps({"backend": "onnxruntime"}),
        files={"file:1/model.onnx": content, "file:3/model.onnx": content},
    )
    # The default policy serves the highest version.
    assert client.get_model_metadata("sent")["versions"] == ["3"]
    assert (infer_simple(client, "sent").as_numpy("OUTPUT0") == 2).all()
    client.unload_model("sent")
    assert not client.is_model_ready("sent")


def test_model_sent_without_a_config(client):
    content = (MODELS / "simple" / "1" / "model.onnx").read_bytes()
    error = refused(lambda: client.load_model("sent2", files={"file:1/model.onnx": content}))
    assert "sent2" in error.message()
    assert not client.is_model_ready("sent2")


def test_file_outside_of_the_model_folder(client):
    error = refused(
        lambda: client.load_model(
            "sent3", config='{"backend": "onnxruntime"}', files={"file:../../escaped": b"x"}
        )
    )
    assert error.status() in ("400", "500")
    assert not client.is_model_ready("sent3")


def test_twenty_loads_and_unloads(client):
    for _ in range(20):
        client.load_model("wine")
        assert client.is_model_ready("wine")
        client.unload_model("wine")
        assert not client.is_model_ready("wine")
