import gc

from nereid_worker.open_requests import OpenRequests
from nereid_worker.response_sender import RequestState


def states(*numbers):
    return [RequestState(number, set(), True) for number in numbers]


def close(*requests):
    for state in requests:
        state.close()


def test_cancellations_find_what_is_executed_and_what_is_answered_later():
    requests = OpenRequests()
    a, b = states(1, 2)
    assert not requests.takes_cancelled([a, b])
    requests.begin([a, b])
    requests.cancel(1)
    a.close()
    requests.end()
    (c,) = states(4)
    assert not requests.takes_cancelled([c])
    requests.begin([c])
    requests.cancel(2)
    requests.acknowledge(4)
    assert (a.cancelled, b.cancelled, c.cancelled, c.acknowledged) == (True, True, False, 1)
    close(b, c)


def test_a_batch_is_skipped_when_all_its_requests_were_cancelled_before():
    requests = OpenRequests()
    for number in (2, 3, 4, 5):
        requests.cancel(number)
    first, second, third = states(1, 2), states(3, 5), states(6)
    assert [requests.takes_cancelled(batch) for batch in (first, second, third)] == [False, True, False]
    assert [state.cancelled for state in first] == [False, True]
    assert not requests._cancelled
    close(*first, *second, *third)


def test_what_nobody_holds_is_not_kept():
    requests = OpenRequests()
    (a,) = states(1)
    requests.begin([a])
    requests.end()
    assert requests._find(1) is a
    a.close()
    del a
    gc.collect()
    assert requests._find(1) is None
