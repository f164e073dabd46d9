"""Sends a mixed load over HTTP and gRPC and counts what became of it. Prints the counts as JSON.

Arguments: HTTP address, gRPC address, number of requests, seed, the file that holds the model `held`.
"""

import json
import pathlib
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from tritonclient.utils import InferenceServerException

http_url, grpc_url, total, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
hold = pathlib.Path(sys.argv[5])
WORKERS = 8
# What a request does, and how many of a hundred do it.
KINDS = [("batch", 40), ("plain", 25), ("cached", 20), ("failing", 10), ("refused", 5)]

counts = {}
lock = threading.Lock()


def count(what, amount=1):
    with lock:
        counts[what] = counts.get(what, 0) + amount


def tensors(module, kind, rng):
    if kind == "batch":
        size = rng.randint(1, 4)
        data = np.full((size, 2), rng.randint(0, 9), dtype=np.int32)
    elif kind == "cached":
        data = np.full((1,), rng.randint(0, 19), dtype=np.int32)
    elif kind == "refused":
        data = np.zeros((1, 1, 1), dtype=np.int32)
    else:
        data = np.full((1,), rng.randint(0, 99), dtype=np.int32)
    name = "X" if kind == "failing" else "INPUT0"
    tensor = module.InferInput(name, list(data.shape), "INT32")
    tensor.set_data_from_numpy(data)
    return [tensor], data.shape[0]


MODELS = {
    "batch": "batch",
    "plain": "plain",
    "cached": "cached",
    "failing": "failing",
    "refused": "plain",
}


def worker(number):
    rng = random.Random(seed * 1000 + number)
    http = httpclient.InferenceServerClient(http_url, concurrency=1)
    grpc = grpcclient.InferenceServerClient(grpc_url)
    kinds = [kind for kind, share in KINDS for _ in range(share)]
    for index in range(total // WORKERS):
        kind = rng.choice(kinds)
        wire = rng.choice(["http", "grpc"])
        module, client = (httpclient, http) if wire == "http" else (grpcclient, grpc)
        inputs, size = tensors(module, kind, rng)
        try:
            client.infer(MODELS[kind], inputs, request_id=str(index))
            count(f"{kind} ok")
            count(f"{wire} ok")
            count(f"{kind} rows", size)
        except InferenceServerException:
            count(f"{kind} failed")
            count(f"{wire} {kind} failed")
    http.close()
    grpc.close()


def await_pending(number):
    line = f'nv_inference_pending_request_count{{model="held",version="1"}} {number}\n'
    while True:
        with urlopen(f"http://{http_url}/v2/metrics") as page:
            if line in page.read().decode():
                return


def cancel_some():
    """Requests behind one that holds the model, given up while they wait."""
    client = grpcclient.InferenceServerClient(grpc_url)
    done = threading.Semaphore(0)
    outcomes = []

    def finished(result, error):
        outcomes.append(error)
        done.release()

    def send():
        tensor = grpcclient.InferInput("INPUT0", [1], "INT32")
        tensor.set_data_from_numpy(np.zeros((1,), dtype=np.int32))
        return client.async_infer("held", [tensor], finished)

    send()
    # Calls that are made at once may come in any order.
    while not hold.with_name("begun").exists():
        time.sleep(0.005)
    waiting = [send() for _ in range(20)]
    # They wait, and have gone, when the server says so: nothing else tells.
    await_pending(len(waiting))
    for call in waiting:
        call.cancel()
    await_pending(0)
    hold.unlink()
    for _ in range(len(waiting) + 1):
        done.acquire()
    count("held ok", sum(error is None for error in outcomes))
    count("held cancelled", sum(error is not None for error in outcomes))
    client.close()


with ThreadPoolExecutor(WORKERS) as pool:
    for future in [pool.submit(worker, number) for number in range(WORKERS)]:
        future.result()
cancel_some()
print(json.dumps(counts))
