"""Sequences that go on while the number of their model's instances changes."""

import itertools
import json
import os
import threading

import numpy as np
import pytest
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

MODELS = os.environ["NEREID_MODEL_NAMES"].split(",")
ids = itertools.count(1)


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture
def client(grpc_url):
    with grpc.InferenceServerClient(grpc_url) as client:
        yield client


class Sequence:
    """A client's sequence, which knows what the sum of all its values must be."""

    def __init__(self, client, model: str):
        self.client = client
        self.model = model
        self.id = next(ids)
        self.sum = 0
        self.begun = False

    def send(self, value: int, end: bool = False) -> None:
        floats = self.model.startswith("adding")
        tensor = grpc.InferInput("INPUT", [1, 1], "FP32" if floats else "INT32")
        tensor.set_data_from_numpy(np.array([[value]], np.float32 if floats else np.int32))
        answer = self.client.infer(
            self.model,
            [tensor],
            sequence_id=self.id,
            sequence_start=not self.begun,
            sequence_end=end,
        )
        self.begun = True
        self.sum += value
        assert int(answer.as_numpy("OUTPUT")[0, 0]) == self.sum


def set_count(client, model: str, count: int) -> None:
    config = client.get_model_config(model, as_json=True)["config"]
    config["instance_group"][0]["count"] = count
    client.load_model(model, config=json.dumps(config))
    config = client.get_model_config(model, as_json=True)["config"]
    assert config["instance_group"][0]["count"] == count


def inference_count(client, model: str) -> int:
    return client.get_inference_statistics(model).model_stats[0].inference_count


def test_every_sequence_goes_on(client, model):
    """Step by step: some begin before a change, some after it, and instances leave under them."""
    before = inference_count(client, model)
    live: list[Sequence] = []
    sent = 0
    for round, count in enumerate([1, 3, 2, 1, 3, 1]):
        set_count(client, model, count)
        live.append(Sequence(client, model))
        for sequence in live:
            sequence.send(round + 1)
            sent += 1
        if round == 4:
            for sequence in live[:2]:
                sequence.send(7, end=True)
                sent += 1
            live = live[2:]
    for sequence in live:
        sequence.send(100, end=True)
        sent += 1
    # The model was not loaded anew: its statistics go on.
    assert inference_count(client, model) == before + sent


def test_sequences_that_wait_get_the_slots_of_new_instances(client, model):
    set_count(client, model, 1)
    holders = [Sequence(client, model) for _ in range(4)]
    for holder in holders:
        holder.send(1)
    late = Sequence(client, model)
    thread = threading.Thread(target=lambda: late.send(5))
    thread.start()
    set_count(client, model, 2)
    thread.join(30)
    assert late.sum == 5
    set_count(client, model, 1)
    for sequence in [*holders, late]:
        sequence.send(2, end=True)


def test_changes_under_load(grpc_url, client, model):
    set_count(client, model, 2)
    stop = threading.Event()
    begun = threading.Barrier(7)
    failures = []
    done = []

    def run():
        try:
            with grpc.InferenceServerClient(grpc_url) as own:
                begun.wait(60)
                while True:
                    sequence = Sequence(own, model)
                    for value in range(10):
                        sequence.send(value + 1, end=value == 9)
                    done.append(sequence.sum)
                    if stop.is_set():
                        return
        except (InferenceServerException, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    begun.wait(60)
    for count in [1, 3, 2, 1, 2]:
        set_count(client, model, count)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert len(done) >= 6 and set(done) == {55}


def test_instances_that_cannot_be_change_nothing(client, model):
    set_count(client, model, 1)
    sequence = Sequence(client, model)
    sequence.send(1)
    config = client.get_model_config(model, as_json=True)["config"]
    config["instance_group"].append({"kind": "KIND_GPU", "count": 1})
    with pytest.raises(InferenceServerException, match="no GPUs are available"):
        client.load_model(model, config=json.dumps(config))
    sequence.send(2, end=True)
