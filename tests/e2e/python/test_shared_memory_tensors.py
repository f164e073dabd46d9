"""Tensors in system shared memory over HTTP and gRPC, by tritonclient's own module for it.

`onnx_TYPE` and `identity_TYPE` hand their input back (make_repository.py).
"""

import itertools
import os
from contextlib import contextmanager

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException, serialize_byte_tensor

PAGE = 4096
numbers = itertools.count()


@pytest.fixture(params=["http", "grpc"])
def api(request):
    return tritonclient.http if request.param == "http" else tritonclient.grpc


@pytest.fixture
def client(api, url, grpc_url):
    with api.InferenceServerClient(url if api is tritonclient.http else grpc_url) as client:
        yield client


@contextmanager
def region(client, byte_size, offset=0):
    """A region of a new object, registered from an offset on: its name, a handle on it, its file."""
    name = f"region{next(numbers)}"
    key = f"/nereid-tensors-{os.getpid()}-{name}"
    handle = shm.create_shared_memory_region(name, key, offset + byte_size)
    try:
        client.register_system_shared_memory(name, key, byte_size, offset)
        yield name, handle, f"/dev/shm{key}"
    finally:
        client.unregister_system_shared_memory(name)
        shm.destroy_shared_memory_region(handle)


def given_in(api, datatype, shape, name, byte_size, offset=0):
    given = api.InferInput("INPUT0", list(shape), datatype)
    given.set_shared_memory(name, byte_size, offset)
    return given


def wanted_in(api, name, byte_size, offset=0):
    wanted = api.InferRequestedOutput("OUTPUT0")
    wanted.set_shared_memory(name, byte_size, offset)
    return wanted


def dims_of(output):
    return output["shape"] if isinstance(output, dict) else list(output.shape)


def values_of(dtype, shape):
    return np.random.default_rng(3).integers(0, 2 if dtype == bool else 100, shape).astype(dtype)


@pytest.mark.parametrize("kind", ["onnx", "identity"])
@pytest.mark.parametrize(
    "datatype, dtype",
    [("FP32", np.float32), ("FP16", np.float16), ("UINT8", np.uint8), ("INT64", np.int64), ("BOOL", bool)],
)
@pytest.mark.parametrize("length", [5, 700_000])
def test_in_and_out(api, client, kind, datatype, dtype, length):
    shape = (2, length) if kind == "onnx" else (length,)
    values = values_of(dtype, shape)
    size = values.nbytes
    offset = (size + 63) // 64 * 64
    with region(client, 2 * offset) as (name, handle, _):
        # The session learns the shape of its output with the first request.
        for _ in range(3):
            values = values_of(dtype, shape)
            shm.set_shared_memory_region(handle, [values])
            result = client.infer(
                f"{kind}_{datatype}",
                [given_in(api, datatype, shape, name, size)],
                outputs=[wanted_in(api, name, size, offset)],
            )
            assert dims_of(result.get_output("OUTPUT0")) == list(shape)
            found = shm.get_contents_as_numpy(handle, dtype, shape, offset=offset)
            np.testing.assert_array_equal(found, values)
            shm.set_shared_memory_region(handle, [np.zeros(size, np.uint8)], offset=offset)


@pytest.mark.parametrize("kind", ["onnx", "identity"])
def test_in_shared_memory_and_out_in_the_answer(api, client, kind):
    shape = (1, 100_000) if kind == "onnx" else (100_000,)
    values = values_of(np.float32, shape)
    with region(client, values.nbytes) as (name, handle, _):
        shm.set_shared_memory_region(handle, [values])
        given = given_in(api, "FP32", shape, name, values.nbytes)
        result = client.infer(f"{kind}_FP32", [given])
        # The answer is its own memory: what is done to the region now does not reach it.
        shm.set_shared_memory_region(handle, [np.zeros(shape, np.float32)])
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), values)


def test_two_regions_and_offsets(api, client):
    values = values_of(np.float32, (3, 1000))
    size = values.nbytes
    # The second region begins with the second page of its object.
    with (
        region(client, size + 24) as (source, source_handle, _),
        region(client, size + 8, offset=PAGE) as (target, target_handle, _),
    ):
        shm.set_shared_memory_region(source_handle, [values], offset=24)
        client.infer(
            "onnx_FP32",
            [given_in(api, "FP32", values.shape, source, size, 24)],
            outputs=[wanted_in(api, target, size, 8)],
        )
        found = shm.get_contents_as_numpy(target_handle, np.float32, values.shape, offset=PAGE + 8)
        np.testing.assert_array_equal(found, values)


def test_an_output_over_its_input(api, client):
    values = values_of(np.float32, (1, 50_000))
    with region(client, values.nbytes + 800) as (name, handle, _):
        for offset in (0, 800):
            for _ in range(3):
                shm.set_shared_memory_region(handle, [values])
                client.infer(
                    "onnx_FP32",
                    [given_in(api, "FP32", values.shape, name, values.nbytes)],
                    outputs=[wanted_in(api, name, values.nbytes, offset)],
                )
                found = shm.get_contents_as_numpy(handle, np.float32, values.shape, offset=offset)
                np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("kind", ["onnx", "identity"])
def test_strings(api, client, kind):
    texts = np.array(["", "nereid", "Γαλάτεια", "x" * 1000], dtype=object)
    shape = (1, 4) if kind == "onnx" else (4,)
    encoded = serialize_byte_tensor(texts)
    size = len(encoded.item())
    with region(client, 2 * size) as (name, handle, _):
        shm.set_shared_memory_region(handle, [encoded])
        result = client.infer(
            f"{kind}_BYTES",
            [given_in(api, "BYTES", shape, name, size)],
            outputs=[wanted_in(api, name, size, size)],
        )
        assert dims_of(result.get_output("OUTPUT0")) == list(shape)
        found = shm.get_contents_as_numpy(handle, np.object_, shape, offset=size)
        assert [text.decode() for text in found.reshape(-1)] == list(texts)


def test_bounds(api, client):
    values = values_of(np.float32, (1, 16))

    def refusal(given, wanted=None):
        with pytest.raises(InferenceServerException) as caught:
            client.infer("onnx_FP32", [given], outputs=[wanted] if wanted else None)
        return caught.value.message()

    with region(client, values.nbytes) as (name, handle, _):
        shm.set_shared_memory_region(handle, [values])
        good = given_in(api, "FP32", values.shape, name, values.nbytes)
        for byte_size, offset, text in [
            (64, 64, f"Invalid offset for shared memory region: '{name}'"),
            (64, 2**40, f"Invalid offset for shared memory region: '{name}'"),
            (65, 0, f"Invalid offset + byte size for shared memory region: '{name}'"),
            (64, 4, f"Invalid offset + byte size for shared memory region: '{name}'"),
        ]:
            assert text in refusal(given_in(api, "FP32", values.shape, name, byte_size, offset))
            assert text in refusal(good, wanted_in(api, name, byte_size, offset))
        assert "Unable to find shared memory region: 'none'" in refusal(
            given_in(api, "FP32", values.shape, "none", 64)
        )
        # An input must be as large as its shape says, an output has room for what comes.
        assert "byte size" in refusal(given_in(api, "FP32", values.shape, name, 60))
        assert "should be at least 64 bytes" in refusal(good, wanted_in(api, name, 60))


def test_an_object_that_was_made_smaller(api, client):
    values = values_of(np.float32, (1, 2 * PAGE))
    size = values.nbytes
    with region(client, 2 * size) as (name, handle, path):
        shm.set_shared_memory_region(handle, [values, values])

        def infer():
            client.infer(
                "onnx_FP32",
                [given_in(api, "FP32", values.shape, name, size)],
                outputs=[wanted_in(api, name, size, size)],
            )

        infer()
        infer()
        for length in (size + PAGE, 100, 0):
            os.truncate(path, length)
            with pytest.raises(InferenceServerException, match="was made smaller"):
                infer()
        os.truncate(path, 2 * size)
        infer()
        found = shm.get_contents_as_numpy(handle, np.float32, values.shape, offset=size)
        assert not found.any()
    assert client.is_server_live()


def test_status_names_the_region(api, client):
    with region(client, 100, offset=PAGE) as (name, _, path):
        if api is tritonclient.http:
            (status,) = client.get_system_shared_memory_status(name)
        else:
            every = client.get_system_shared_memory_status(name, as_json=True)["regions"]
            status = every[name]
        assert status["name"] == name
        assert f"/dev/shm{status['key']}" == path
        assert (int(status["offset"]), int(status["byte_size"])) == (PAGE, 100)
        with pytest.raises(InferenceServerException, match="already in manager"):
            client.register_system_shared_memory(name, status["key"], 1)
