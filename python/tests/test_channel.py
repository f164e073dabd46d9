import socket
import threading

import numpy as np
import pytest

from nereid_worker import session
from nereid_worker.channel import Channel
from nereid_worker.response_iterator import ResponseIterator
from nereid_worker.response_sender import RequestState
from nereid_worker.session import Session


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield Channel(ours), Channel(theirs)
    ours.close()
    theirs.close()


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 65_535, 65_536, 65_537, 3_000_000])
def test_frames_arrive_whole(pair, size):
    ours, theirs = pair
    data = np.arange(size, dtype=np.uint8)
    sender = threading.Thread(
        target=lambda: [ours.send({"kind": "x", "n": n, "t": "é" * n}, [data, b"end"]) for n in range(3)]
    )
    sender.start()
    for n in range(3):
        message, payload = theirs.next_work()
        assert message == {"kind": "x", "n": n, "t": "é" * n}
        assert bytes(payload[:size]) == data.tobytes()
        place = (size + 63) // 64 * 64
        assert bytes(payload[place : place + 3]) == b"end"
    sender.join()


def test_many_pieces_arrive_whole(pair):
    ours, theirs = pair
    arrays = [np.full(n, n % 251, dtype=np.uint8) for n in range(2000)]
    sender = threading.Thread(target=lambda: ours.send({"kind": "x"}, arrays))
    sender.start()
    _message, payload = theirs.next_work()
    sender.join()
    offset = 0
    for array in arrays:
        assert bytes(payload[offset : offset + len(array)]) == array.tobytes()
        offset += (len(array) + 63) // 64 * 64
    assert offset == len(payload)


def test_whoever_waits_reads_for_the_others(pair):
    ours, theirs = pair
    answers = {}
    theirs.on("answer", lambda message, _payload: answers.update({message["call"]: True}))
    done = []

    def wait_for(number):
        theirs.wait(lambda: number in answers)
        done.append(number)

    waiters = [threading.Thread(target=wait_for, args=(number,)) for number in range(8)]
    for waiter in waiters:
        waiter.start()
    for number in reversed(range(8)):
        ours.send({"kind": "answer", "call": number})
    ours.send({"kind": "work"})
    assert theirs.next_work()[0] == {"kind": "work"}
    for waiter in waiters:
        waiter.join(timeout=5)
    assert sorted(done) == list(range(8))


def test_work_is_not_held_up_by_one_who_reads_for_an_answer(pair):
    ours, theirs = pair
    answered = []
    theirs.on("answer", lambda _message, _payload: answered.append(True))
    waiter = threading.Thread(target=lambda: theirs.wait(lambda: len(answered) > 0))
    waiter.start()
    while not theirs._turn.locked():
        pass
    work = []
    worker = threading.Thread(target=lambda: work.append(theirs.next_work()[0]))
    worker.start()
    while theirs._waiting == 0:
        pass
    ours.send({"kind": "work"})
    worker.join(timeout=5)
    assert work == [{"kind": "work"}]
    ours.send({"kind": "answer"})
    waiter.join(timeout=5)
    assert not waiter.is_alive()


def test_the_end_of_the_connection_ends_every_wait(pair):
    ours, theirs = pair
    failures = []

    def wait():
        with pytest.raises(ConnectionError):
            theirs.wait(lambda: False)
        failures.append(1)

    waiters = [threading.Thread(target=wait) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    ours._socket.close()
    assert theirs.next_work() is None
    for waiter in waiters:
        waiter.join(timeout=5)
    assert len(failures) == 3


def test_poll_takes_what_is_there_and_does_not_wait(pair):
    ours, theirs = pair
    seen = []
    theirs.on("cancel", lambda message, _payload: seen.append(message["request"]))
    theirs.poll()
    ours.send({"kind": "cancel", "request": 4})
    ours.send({"kind": "work"})
    theirs.poll()
    assert seen == [4]
    assert theirs.next_work()[0] == {"kind": "work"}


def test_what_is_sent_during_a_send_of_the_same_thread_goes_out_after_it(pair):
    ours, theirs = pair

    class Deleted:
        def __del__(self):
            ours.send_soon({"kind": "gone"})

    def send_and_delete(message):
        with ours._write_lock:
            Deleted()
            assert len(ours._soon) == 1
        ours.send(message)

    send_and_delete({"kind": "x"})
    assert [theirs.next_work()[0]["kind"] for _ in range(2)] == ["x", "gone"]
    ours.send_soon({"kind": "alone"})
    assert theirs.next_work()[0]["kind"] == "alone"


def test_a_request_may_be_let_go_during_a_send_of_the_same_thread(pair, monkeypatch):
    ours, theirs = pair
    monkeypatch.setattr(session, "_current", Session(ours))

    def send_and_let_go():
        with ours._write_lock:
            RequestState(7, set(), False)
        ours.send({"kind": "x"})

    thread = threading.Thread(target=send_and_let_go, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert [theirs.next_work()[0]["kind"] for _ in range(2)] == ["x", "dropped"]


@pytest.mark.parametrize("size", [0, 1, 64, 70_000])
def test_numbers_arrive_whole_between_texts(pair, size):
    ours, theirs = pair
    payload = np.arange(size, dtype=np.uint8).tobytes()

    def send():
        for number in range(20):
            ours.send_numbers(bytes([number]) * (number + 1), payload)
            ours.send({"kind": "x", "n": number}, [b"end"])

    sender = threading.Thread(target=send)
    sender.start()
    for number in range(20):
        numbers, arrived = theirs.next_work()
        assert (bytes(numbers), bytes(arrived)) == (bytes([number]) * (number + 1), payload)
        assert theirs.next_work()[0] == {"kind": "x", "n": number}
    sender.join()


def test_an_iterator_that_is_collected_in_the_middle_of_a_send_waits_for_nothing(pair):
    ours, theirs = pair
    owner = Session(ours)
    iterator = ResponseIterator(owner, owner.call({"kind": "infer"}))

    def collect():
        with owner._answers_lock, ours._write_lock:
            iterator.__del__()
            iterator._finished = True

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    ours.send({"kind": "next"})
    messages = [theirs.next_work()[0] for _ in range(3)]
    assert [message["kind"] for message in messages] == ["infer", "next", "cancel-call"]
