"""Tensors in system shared memory, by tritonclient's own module for it."""

import os
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException

ROWS = 64
GIVEN = ROWS * 13 * 4


@contextmanager
def region(client, name, byte_size, registered=None):
    """A region of a new object; as many of its bytes are registered as it has, or as asked for."""
    key = f"/nereid-{name}-{os.getpid()}"
    handle = shm.create_shared_memory_region(name, key, byte_size)
    try:
        client.register_system_shared_memory(name, key, registered or byte_size)
        yield handle, f"/dev/shm{key}"
    finally:
        client.unregister_system_shared_memory(name)
        shm.destroy_shared_memory_region(handle)


def features():
    return np.random.default_rng(7).uniform(0, 20, (ROWS, 13)).astype(np.float32)


def shared_input(name, offset=0):
    given = triton.InferInput("features", [ROWS, 13], "FP32")
    given.set_shared_memory(name, GIVEN, offset)
    return given


def plain_answer(client, values):
    given = triton.InferInput("features", list(values.shape), "FP32")
    given.set_data_from_numpy(values)
    return client.infer("wine", [given])


def test_input_and_output_in_place(client):
    values = features()
    expected = plain_answer(client, values)
    (output,) = [o for o in expected.get_response()["outputs"] if o["datatype"] == "FP32"]
    answer = expected.as_numpy(output["name"])
    with region(client, "both", GIVEN + answer.nbytes) as (handle, _):
        shm.set_shared_memory_region(handle, [values])
        wanted = triton.InferRequestedOutput(output["name"])
        wanted.set_shared_memory("both", answer.nbytes, GIVEN)
        result = client.infer("wine", [shared_input("both")], outputs=[wanted])
        (described,) = result.get_response()["outputs"]
        assert described == {k: output[k] for k in ("name", "datatype", "shape")}
        in_place = shm.get_contents_as_numpy(handle, answer.dtype, answer.shape, offset=GIVEN)
        np.testing.assert_array_equal(in_place, answer)


def test_status_tells_what_is_registered(client):
    with region(client, "one", 64), region(client, "two", 4096, registered=128):
        status = {r["name"]: r for r in client.get_system_shared_memory_status()}
        assert status.keys() == {"one", "two"}
        assert (status["two"]["offset"], status["two"]["byte_size"]) == (0, 128)
        assert client.get_system_shared_memory_status("one") == [status["one"]]
        with pytest.raises(InferenceServerException, match="already in manager"):
            client.register_system_shared_memory("one", status["two"]["key"], 8)
    assert client.get_system_shared_memory_status() == []
    assert client.get_cuda_shared_memory_status() == []
    with pytest.raises(InferenceServerException, match="Unable to find shared memory region"):
        client.infer("wine", [shared_input("one")])


def test_an_object_that_shrinks_under_the_requests(client):
    """A mapping would end the server with SIGBUS here."""
    values = features()
    with region(client, "shrinks", GIVEN) as (handle, path):
        shm.set_shared_memory_region(handle, [values])
        client.infer("wine", [shared_input("shrinks")])
        os.truncate(path, 100)
        with pytest.raises(InferenceServerException, match="was made smaller"):
            client.infer("wine", [shared_input("shrinks")])
        os.truncate(path, GIVEN)
        client.infer("wine", [shared_input("shrinks")])

        stop = threading.Event()

        def shrink_and_grow():
            while not stop.is_set():
                os.truncate(path, 0)
                os.truncate(path, GIVEN)

        thread = threading.Thread(target=shrink_and_grow)
        thread.start()
        try:
            for _ in range(300):
                try:
                    client.infer("wine", [shared_input("shrinks")])
                except InferenceServerException as failure:
                    assert "was made smaller" in failure.message()
        finally:
            stop.set()
            thread.join()
    assert client.is_server_live()


def test_regions_come_and_go_during_inference(client, url):
    values = features()
    expected = plain_answer(client, values)
    name = expected.get_response()["outputs"][0]["name"]
    with region(client, "steady", GIVEN) as (handle, _):
        shm.set_shared_memory_region(handle, [values])
        status = client.get_system_shared_memory_status("steady")[0]
        stop = threading.Event()

        def come_and_go():
            with triton.InferenceServerClient(url) as other:
                while not stop.is_set():
                    other.unregister_system_shared_memory("guest")
                    try:
                        other.register_system_shared_memory("guest", status["key"], GIVEN)
                    except InferenceServerException as failure:
                        # A request still had it.
                        assert "already in manager" in failure.message()
                other.unregister_system_shared_memory("guest")

        thread = threading.Thread(target=come_and_go)
        thread.start()
        answered = 0
        try:
            for _ in range(300):
                try:
                    result = client.infer("wine", [shared_input("guest")])
                except InferenceServerException as failure:
                    assert "Unable to find shared memory region" in failure.message()
                else:
                    answered += 1
                    np.testing.assert_array_equal(result.as_numpy(name), expected.as_numpy(name))
        finally:
            stop.set()
            thread.join()
        assert answered > 0


@pytest.mark.parametrize(
    "key", ["/", "///", "/../shm", "/triton_python_backend_shm_region_1", "/nereid-none"]
)
def test_keys_that_cannot_be_registered(client, key):
    with pytest.raises(InferenceServerException):
        client.register_system_shared_memory("bad", key, 8)
    assert client.get_system_shared_memory_status() == []


def test_ranges_beyond_the_object(client):
    with region(client, "small", 4096) as (_, path):
        key = path.removeprefix("/dev/shm")
        for byte_size, offset in [(4097, 0), (1, 4096), (2**64 - 1, 0), (4096, 2**64 - 4096)]:
            with pytest.raises(InferenceServerException, match="invalid args"):
                client.register_system_shared_memory("bad", key, byte_size, offset)
        for offset, byte_size in [(4096, 1), (0, 4097), (1, 2**64 - 1), (2**64 - 8, 16)]:
            given = triton.InferInput("features", [1, 13], "FP32")
            given.set_shared_memory("small", byte_size, offset)
            with pytest.raises(InferenceServerException, match="Invalid offset|Integer overflow"):
                client.infer("wine", [given])
