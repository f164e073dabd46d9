"""Sequences, as Triton's own clients send them."""

import queue
import threading

import numpy as np
import pytest
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException


def given(kind, values: list, dtype=np.int32, name: str = "INPUT"):
    array = np.array([values], dtype)
    tensor = kind.InferInput(name, array.shape, "FP32" if dtype == np.float32 else "INT32")
    tensor.set_data_from_numpy(array)
    return [tensor]


def run_sequence(kind, url: str, model: str, sequence_id, values: list) -> list[int]:
    """All values one after the other; what each is answered with."""
    answers = []
    with kind.InferenceServerClient(url) as client:
        for i, value in enumerate(values):
            answer = client.infer(
                model,
                given(kind, [value]),
                sequence_id=sequence_id,
                sequence_start=i == 0,
                sequence_end=i == len(values) - 1,
            )
            answers.append(int(answer.as_numpy("OUTPUT")[0, 0]))
    return answers


def sums(values: list, last: int = 0) -> list[int]:
    totals = np.cumsum(values)
    totals[-1] += last
    return totals.tolist()


@pytest.fixture(params=[http, grpc], ids=["http", "grpc"])
def kind(request):
    return request.param


@pytest.fixture
def kind_url(kind, url, grpc_url):
    return url if kind is http else grpc_url


def test_sequences_at_the_same_time(kind, kind_url):
    """More than there are slots: some wait in the backlog until others end."""
    for model in ["direct", "oldest"]:
        wanted = {i: [i, 2 * i, 3, 4, 5 * i] for i in range(1, 9)}
        answers = {}

        def run(sequence_id):
            values = wanted[sequence_id]
            answers[sequence_id] = run_sequence(kind, kind_url, model, sequence_id, values)

        threads = [threading.Thread(target=run, args=[i]) for i in wanted]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for i, values in wanted.items():
            assert answers[i] == sums(values, i if model == "oldest" else 0)


def test_ids_that_are_text(kind, kind_url):
    assert run_sequence(kind, kind_url, "oldest_text", "1000", [1, 2, 3]) == [1, 3, 1006]
    with kind.InferenceServerClient(kind_url) as client:
        with pytest.raises(InferenceServerException, match="decodable into an integer"):
            client.infer(
                "oldest_text",
                given(kind, [1]),
                sequence_id="session",
                sequence_start=True,
                sequence_end=True,
            )


def test_large_ids(kind, kind_url):
    large = 2**63 - 1
    assert run_sequence(kind, kind_url, "oldest", large, [1, 2]) == [1, 2]


def test_refusals(kind, kind_url):
    def refused(model, **parameters) -> str:
        with kind.InferenceServerClient(kind_url) as client:
            with pytest.raises(InferenceServerException) as error:
                client.infer(model, given(kind, [1]), **parameters)
            return error.value.message()

    assert refused("direct", sequence_id=77) == (
        "inference request for sequence 77 to model 'direct' must specify the START flag"
        " on the first request of the sequence"
    )
    assert refused("oldest", sequence_start=True) == (
        "inference request to model 'oldest' must specify a non-zero or non-empty correlation ID"
    )
    assert "data-type is 'BYTES', but model 'oldest' expects 'UINT64'" in refused(
        "oldest", sequence_id="a", sequence_start=True
    )


def test_a_request_with_a_batch_of_two(client):
    array = np.array([[1], [2]], np.int32)
    tensor = http.InferInput("INPUT", array.shape, "INT32")
    tensor.set_data_from_numpy(array)
    with pytest.raises(InferenceServerException, match="must specify batch-size 1"):
        client.infer("direct", [tensor], sequence_id=5, sequence_start=True)


class Stream:
    """One gRPC stream and what comes back on it."""

    def __init__(self, url):
        self.client = grpc.InferenceServerClient(url)
        self.answers = queue.Queue()
        self.client.start_stream(lambda result, error: self.answers.put((result, error)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def send(self, model, values, dtype=np.int32, **parameters):
        self.client.async_stream_infer(model, given(grpc, values, dtype), **parameters)

    def take(self):
        result, error = self.answers.get(timeout=60)
        if error is not None:
            raise error
        return result.as_numpy("OUTPUT")[0].tolist()


def test_two_sequences_in_one_stream(grpc_url):
    for model in ["direct", "oldest"]:
        with Stream(grpc_url) as stream:
            for i in range(20):
                for sequence_id in (501, 502):
                    stream.send(
                        model,
                        [i * sequence_id],
                        sequence_id=sequence_id,
                        sequence_start=i == 0,
                        sequence_end=i == 19,
                    )
            answers = [stream.take()[0] for _ in range(40)]
        for offset, sequence_id in enumerate((501, 502)):
            last = sequence_id if model == "oldest" else 0
            wanted = sums([i * sequence_id for i in range(20)], last)
            assert answers[offset::2] == wanted


def test_a_request_that_is_answered_several_times(grpc_url):
    with Stream(grpc_url) as stream:
        stream.send("iterative", [3])
        assert [stream.take() for _ in range(3)] == [[2], [1], [0]]


def test_requests_that_a_python_model_gives_back(kind, kind_url):
    with kind.InferenceServerClient(kind_url) as client:
        for value in [10, 20, 30]:
            answer = client.infer("again", given(kind, [value]))
            assert answer.as_numpy("OUTPUT").tolist() == [[value + 3]]


def test_rows_that_fill_a_batch_up(client):
    def send(sequence_id, **parameters):
        answer = client.infer("rows", given(http, [1]), sequence_id=sequence_id, **parameters)
        return answer.as_numpy("OUTPUT").tolist()[0][0]

    assert [send(i, sequence_start=True) for i in (1, 2, 3)] == [0, 11, 22]
    assert [send(i, sequence_end=True) for i in (3, 1, 2)] == [22, 0, 11]


def test_states_that_the_server_keeps(grpc_url):
    """Sequences of different lengths, so that their states differ in size, too."""
    for model in ["memory_direct", "memory_oldest"]:
        with Stream(grpc_url) as stream:
            sent = {1: [-1.0, -2.0], 2: [-1.0, -2.0], 3: [-1.0, -2.0]}
            for i in range(6):
                for sequence_id in sent:
                    if sequence_id == 3 and i % 2 == 1:
                        continue
                    values = [float(10 * sequence_id + i)] * (sequence_id % 2 + 1)
                    sent[sequence_id] = sent[sequence_id] + values
                    stream.send(
                        model,
                        values,
                        np.float32,
                        sequence_id=sequence_id,
                        sequence_start=i == 0,
                        sequence_end=i == (4 if sequence_id == 3 else 5),
                    )
                    assert stream.take() == sent[sequence_id]


def test_a_start_that_forgets_the_state(grpc_url):
    with Stream(grpc_url) as stream:
        for start, end in [(True, False), (True, False), (False, True)]:
            stream.send(
                "memory_oldest",
                [5.0],
                np.float32,
                sequence_id=9,
                sequence_start=start,
                sequence_end=end,
            )
        answers = [stream.take() for _ in range(3)]
    assert answers == [[-1.0, -2.0, 5.0], [-1.0, -2.0, 5.0], [-1.0, -2.0, 5.0, 5.0]]


def test_statistics(client, url):
    def counts():
        stats = client.get_inference_statistics("oldest_text")["model_stats"][0]
        return stats["inference_count"], stats["execution_count"]

    before = counts()
    run_sequence(http, url, "oldest_text", "7", [1, 2, 3, 4])
    after = counts()
    assert [b - a for a, b in zip(before, after)] == [4, 4]
