"""CUDA shared memory over HTTP and gRPC, against a stand-in for the driver (fake-cuda.c)."""

import base64

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

VALUES = np.arange(1024, dtype=np.float32)
SIZE = VALUES.nbytes


def handle(first):
    return base64.b64encode(bytes((first + at) % 256 for at in range(64)))


@pytest.fixture(params=["http", "grpc"])
def api(request):
    return tritonclient.http if request.param == "http" else tritonclient.grpc


@pytest.fixture
def client(api, url, grpc_url):
    with api.InferenceServerClient(url if api is tritonclient.http else grpc_url) as client:
        yield client
        client.unregister_cuda_shared_memory()


def status(client, name=""):
    found = client.get_cuda_shared_memory_status(name)
    if isinstance(found, list):
        return {r["name"]: (r["device_id"], r["byte_size"]) for r in found}
    return {r.name: (r.device_id, r.byte_size) for r in found.regions.values()}


def refused(call, *args):
    with pytest.raises(InferenceServerException) as caught:
        call(*args)
    return caught.value.message()


def test_status_and_unregister(client):
    assert status(client) == {}
    client.register_cuda_shared_memory("one", handle(1), 0, 4096)
    client.register_cuda_shared_memory("two", handle(2), 0, 5000)
    assert status(client) == {"one": (0, 4096), "two": (0, 5000)}
    assert status(client, "two") == {"two": (0, 5000)}
    again = refused(client.register_cuda_shared_memory, "one", handle(1), 0, 1)
    assert again == "shared memory region 'one' already in manager"
    wrong = refused(client.get_system_shared_memory_status, "one")
    assert wrong == (
        "The region named 'one' is registered as CUDA shared memory, not system shared memory"
    )
    # Only regions of the kind are meant.
    client.unregister_system_shared_memory()
    client.unregister_system_shared_memory("one")
    assert len(status(client)) == 2
    client.unregister_cuda_shared_memory("one")
    assert refused(client.get_cuda_shared_memory_status, "one") == (
        "Unable to find cuda shared memory region: 'one'"
    )
    client.unregister_cuda_shared_memory()
    assert status(client) == {}


def test_what_cannot_be_registered(client):
    register = client.register_cuda_shared_memory
    unopened = "failed to register shared memory region: invalid args"
    assert refused(register, "r", handle(0), 0, 1) == unopened
    assert refused(register, "r", handle(1), 3, 1) == unopened
    assert refused(register, "r", handle(1), 0, 4097) == (
        "failed to register shared memory region 'r': invalid args"
    )
    assert "must be a valid" in refused(
        register, "r", base64.b64encode(b"short"), 0, 1
    ) or refused(register, "r", base64.b64encode(b"short"), 0, 1) == unopened
    assert status(client) == {}


@pytest.mark.parametrize("model", ["onnx_FP32", "identity_FP32"])
def test_inputs_and_outputs(api, client, model):
    shape = [1, 1024] if model.startswith("onnx") else [1024]
    client.register_cuda_shared_memory("in", handle(3), 0, SIZE)
    client.register_cuda_shared_memory("out", handle(4), 0, SIZE + 4096)

    def infer(given, wanted=None):
        outputs = None if wanted is None else [wanted]
        return client.infer(model, [given], outputs=outputs)

    def in_region(region, offset=0):
        given = api.InferInput("INPUT0", shape, "FP32")
        given.set_shared_memory(region, SIZE, offset)
        return given

    def wanted_in(region, offset=0):
        wanted = api.InferRequestedOutput("OUTPUT0")
        wanted.set_shared_memory(region, SIZE, offset)
        return wanted

    plain = api.InferInput("INPUT0", shape, "FP32")
    plain.set_data_from_numpy(VALUES.reshape(shape))
    for _ in range(3):
        infer(plain, wanted_in("in"))
        infer(in_region("in"), wanted_in("out", 8))
        answer = infer(in_region("out", 8)).as_numpy("OUTPUT0")
        np.testing.assert_array_equal(answer.reshape(-1), VALUES)
    assert "Invalid offset" in refused(infer, in_region("in", 8))
