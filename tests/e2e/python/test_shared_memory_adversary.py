"""Clients whose shared memory is shrunk and grown by another process all the time, as fast as it can."""

import os
import random
import subprocess
import sys
import threading

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException

SIZE = 2_000_000
REQUESTS = 150
ADVERSARY = """
import os, random, sys
path, size = sys.argv[1], int(sys.argv[2])
choose = random.Random(1)
print("ready", flush=True)
while True:
    os.truncate(path, choose.choice([0, 100, 4096, size // 2, size - 1]))
    os.truncate(path, size)
"""
#: What a client may be told.
EXPECTED = (
    "was made smaller",
    "invalid args",
    "Unable to find shared memory region",
    "already in manager",
)


def infer(api, client, model, region, size, in_place):
    datatype = model.split("_")[1]
    width = {"FP32": 4, "INT64": 8}[datatype]
    count = size // width
    shape = [1, count] if model.startswith("onnx") else [count]
    given = api.InferInput("INPUT0", shape, datatype)
    given.set_shared_memory(region, count * width)
    wanted = api.InferRequestedOutput("OUTPUT0")
    if in_place:
        wanted.set_shared_memory(region, count * width, SIZE)
    client.infer(model, [given], outputs=[wanted])


def client_of(api, url, grpc_url):
    return api.InferenceServerClient(url if api is tritonclient.http else grpc_url)


def run_requests(api, urls, key, seed, outcomes):
    choose = random.Random(seed)
    with client_of(api, *urls) as client:
        for _ in range(REQUESTS):
            region = choose.choice(["first", "second"])
            try:
                if choose.random() < 0.2:
                    client.unregister_system_shared_memory("second")
                    client.register_system_shared_memory("second", key, 2 * SIZE)
                infer(
                    api,
                    client,
                    choose.choice(["onnx_FP32", "identity_FP32", "onnx_INT64"]),
                    region,
                    choose.choice([64, 40_000, SIZE]),
                    choose.random() < 0.6,
                )
                outcomes.append("answered")
            except InferenceServerException as failure:
                known = [text for text in EXPECTED if text in failure.message()]
                outcomes.append(known[0] if known else failure.message())


def test_the_server_lives(url, grpc_url):
    key = f"/nereid-adversary-{os.getpid()}"
    path = f"/dev/shm{key}"
    handle = shm.create_shared_memory_region("object", key, 2 * SIZE)
    with client_of(tritonclient.http, url, grpc_url) as client:
        for name in ("first", "second"):
            client.register_system_shared_memory(name, key, 2 * SIZE)
    adversary = subprocess.Popen(
        [sys.executable, "-c", ADVERSARY, path, str(2 * SIZE)], stdout=subprocess.PIPE
    )
    try:
        adversary.stdout.readline()
        outcomes = []
        threads = [
            threading.Thread(target=run_requests, args=(api, (url, grpc_url), key, seed, outcomes))
            for seed, api in enumerate([tritonclient.http, tritonclient.grpc] * 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        adversary.kill()
        adversary.wait()
    assert len(outcomes) == 4 * REQUESTS
    assert set(outcomes) <= {"answered", *EXPECTED}, set(outcomes)
    # The two met.
    assert {"answered", "was made smaller"} <= set(outcomes)

    os.truncate(path, 2 * SIZE)
    values = np.arange(SIZE // 4, dtype=np.float32)
    for api in (tritonclient.http, tritonclient.grpc):
        shm.set_shared_memory_region(handle, [values])
        with client_of(api, url, grpc_url) as client:
            infer(api, client, "onnx_FP32", "first", SIZE, True)
        found = shm.get_contents_as_numpy(handle, np.float32, values.shape, offset=SIZE)
        np.testing.assert_array_equal(found, values)
    with client_of(tritonclient.http, url, grpc_url) as client:
        client.unregister_system_shared_memory()
        assert client.get_system_shared_memory_status() == []
    shm.destroy_shared_memory_region(handle)


def test_the_kind_of_failure_is_told(url, grpc_url):
    """The good request after the flood; a region that is gone is not found, and nothing hangs on it."""
    with client_of(tritonclient.grpc, url, grpc_url) as client:
        assert client.is_server_live()
        with pytest.raises(InferenceServerException, match="Unable to find shared memory region"):
            infer(tritonclient.grpc, client, "onnx_FP32", "first", SIZE, False)
