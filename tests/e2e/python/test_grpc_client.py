"""Triton's synchronous gRPC client against the example models."""

import queue

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2, service_pb2_grpc

from refusals import refused
from simple_model import FIRST, SECOND, simple_inputs


@pytest.fixture(params=["NEREID_GRPC_URL", "NEREID_URL"], ids=["grpc_port", "http_port"])
def client(request, grpc_url, url):
    with triton.InferenceServerClient(grpc_url if "GRPC" in request.param else url) as client:
        yield client


def test_health(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("simple")
    assert client.is_model_ready("simple", "1")
    assert not client.is_model_ready("simple", "2")
    assert not client.is_model_ready("nobody")


def test_metadata(client):
    assert client.get_server_metadata(as_json=True)["name"] == "triton"
    assert client.get_model_metadata("digits", as_json=True) == {
        "name": "digits",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "image", "datatype": "FP32", "shape": ["-1", "1", "8", "8"]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": ["-1", "10"]}],
    }


def test_completed_config(client):
    config = client.get_model_config("iris").config
    assert config.backend == "onnxruntime"
    assert config.max_batch_size == 4
    assert [(i.name, list(i.dims)) for i in config.input] == [("X", [4])]
    assert config.WhichOneof("scheduling_choice") == "dynamic_batching"


def test_repository_and_statistics(client):
    index = {model.name: model for model in client.get_model_repository_index().models}
    assert (index["wine"].version, index["wine"].state) == ("1", "READY")
    before = client.get_inference_statistics("simple").model_stats[0]
    client.infer("simple", simple_inputs(triton))
    after = client.get_inference_statistics("simple").model_stats[0]
    assert after.inference_count == before.inference_count + 1
    assert after.inference_stats.success.ns > before.inference_stats.success.ns
    assert len(client.get_inference_statistics().model_stats) > 5


def test_log_settings(client):
    settings = client.get_log_settings().settings
    assert settings["log_info"].bool_param
    changed = client.update_log_settings({"log_verbose_level": 0, "log_warning": True})
    assert changed.settings["log_format"].string_param == "default"
    error = refused(lambda: client.update_log_settings({"log_file": "x"}))
    assert error.status() == "StatusCode.UNIMPLEMENTED"


def test_shared_memory_is_off(client):
    assert not client.get_system_shared_memory_status().regions
    assert not client.get_cuda_shared_memory_status().regions
    error = refused(lambda: client.register_system_shared_memory("r", "/r", 1))
    assert error.status() == "StatusCode.UNIMPLEMENTED"
    assert "Client shared memory is disabled" in error.message()


@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_add_sub(client, coding):
    wanted = [triton.InferRequestedOutput(name) for name in ("OUTPUT1", "OUTPUT0")]
    answer = client.infer(
        "simple",
        simple_inputs(triton),
        outputs=wanted,
        request_id="a 1 ü",
        parameters={"mine": 1},
        compression_algorithm=coding,
    )
    assert answer.get_response().id == "a 1 ü"
    assert (answer.as_numpy("OUTPUT0") == FIRST + SECOND).all()
    assert (answer.as_numpy("OUTPUT1") == FIRST - SECOND).all()


def test_strings(client):
    words = np.array([[b"", "Größe".encode(), b"\xff\x00", b"x" * 100_000]], dtype=np.object_)
    given = triton.InferInput("INPUT0", words.shape, "BYTES")
    given.set_data_from_numpy(words)
    answer = client.infer("simple_identity", [given])
    assert (answer.as_numpy("OUTPUT0") == words).all()


def test_classification(client):
    given = triton.InferInput("image", [2, 1, 8, 8], "FP32")
    given.set_data_from_numpy(np.zeros((2, 1, 8, 8), np.float32))
    wanted = [triton.InferRequestedOutput("probabilities", class_count=3)]
    classes = client.infer("digits", [given], outputs=wanted).as_numpy("probabilities")
    assert classes.shape == (2, 3)
    assert all(len(text.split(b":")) == 3 for text in classes.flat)


def test_typed_contents(grpc_url):
    """As clients of plain KServe send them."""
    with grpc.insecure_channel(grpc_url) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = service_pb2.ModelInferRequest(model_name="simple")
        for name, values in (("INPUT0", FIRST), ("INPUT1", SECOND)):
            given = request.inputs.add(name=name, datatype="INT32", shape=[1, 16])
            given.contents.int_contents.extend(values.flat)
        answer = stub.ModelInfer(request, timeout=60)
        sums = np.frombuffer(answer.raw_output_contents[0], np.int32)
        assert (sums == (FIRST + SECOND).flat).all()
        with pytest.raises(grpc.RpcError) as caught:
            stub.ModelInfer(service_pb2.ModelInferRequest(model_name="simple", id="7"))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert caught.value.details().startswith("[request id: 7] expected 2 inputs but got 0")


def test_errors_have_a_status(client):
    error = refused(lambda: client.infer("nobody", simple_inputs(triton)))
    assert error.status() == "StatusCode.NOT_FOUND"
    assert error.message() == "Request for unknown model: 'nobody' is not found"
    error = refused(lambda: client.infer("simple", simple_inputs(triton)[:1]))
    assert error.status() == "StatusCode.INVALID_ARGUMENT"
    error = refused(lambda: client.infer("simple", simple_inputs(triton), model_version="x"))
    assert "version should be an integral value > 0" in error.message()
    error = refused(lambda: client.load_model("simple"))
    assert error.status() == "StatusCode.UNAVAILABLE"
    error = refused(lambda: client.update_trace_settings(settings={"trace_file": "x.json"}))
    assert error.status() == "StatusCode.UNIMPLEMENTED"


def test_many_at_once(client):
    answers = queue.Queue()

    def done(result, error):
        answers.put((result, error))

    for n in range(300):
        second = np.full((1, 16), n, np.int32)
        client.async_infer("simple", simple_inputs(triton, second=second), done, request_id=str(n))
    seen = set()
    for _ in range(300):
        result, error = answers.get(timeout=60)
        assert error is None
        n = int(result.get_response().id)
        assert (result.as_numpy("OUTPUT0") == FIRST + n).all()
        seen.add(n)
    assert len(seen) == 300


def test_four_megabytes(client):
    values = np.random.default_rng(3).standard_normal((1, 1_200_000), dtype=np.float32)
    given = triton.InferInput("INPUT0", values.shape, "FP32")
    given.set_data_from_numpy(values)
    answer = client.infer("onnx_FP32", [given])
    assert answer.as_numpy("OUTPUT0").tobytes() == values.tobytes()


def test_stream_keeps_the_order(client):
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for n in range(100):
        model = "nobody" if n % 10 == 9 else "simple"
        second = np.full((1, 16), n, np.int32)
        client.async_stream_infer(model, simple_inputs(triton, second=second), request_id=str(n))
    for n in range(100):
        result, error = answers.get(timeout=60)
        if n % 10 == 9:
            assert error.message() == "Request for unknown model: 'nobody' is not found"
            continue
        assert error is None
        response = result.get_response()
        assert response.id == str(n)
        assert response.parameters["triton_final_response"].bool_param
        assert (result.as_numpy("OUTPUT1") == FIRST - n).all()
    client.stop_stream()
    assert answers.empty()


def test_stream_without_end(client):
    """A stream that is cancelled leaves the connection in order."""
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    client.async_stream_infer("simple", simple_inputs(triton))
    assert answers.get(timeout=60)[1] is None
    client.stop_stream(cancel_requests=True)
    assert client.is_server_live()


def test_deadline(client):
    given = triton.InferInput("INPUT0", [1], "INT32")
    given.set_data_from_numpy(np.zeros(1, np.int32))
    error = refused(lambda: client.infer("slow", [given], client_timeout=0.2))
    assert error.status() == "StatusCode.DEADLINE_EXCEEDED"
    assert client.infer("simple", simple_inputs(triton)) is not None


def test_cancellation(client):
    given = triton.InferInput("INPUT0", [1], "INT32")
    given.set_data_from_numpy(np.zeros(1, np.int32))
    answers = queue.Queue()
    call = client.async_infer("slow", [given], lambda result, error: answers.put(error))
    call.cancel()
    assert answers.get(timeout=60).status() == "StatusCode.CANCELLED"
    assert client.is_server_live()
