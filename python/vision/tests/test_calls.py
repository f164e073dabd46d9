from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from conftest import ManualClock
from nereid_vision import BackoffOptions, CircuitOpenError, CircuitOptions, TritonError
from nereid_vision.calls import CircuitBreaker, ResilientCaller, backoff_seconds, may_retry

AWAY = TritonError("UNAVAILABLE", "connection refused")


def caller_of(clock: ManualClock, **more: object) -> ResilientCaller:
    options = {
        "retries_max": 3,
        "timeout": 60.0,
        "backoff": BackoffOptions(0.1, 0.3),
        "circuit": CircuitOptions(100),
        "clock": clock,
        "chance": lambda: 1.0,
        **more,
    }
    return ResilientCaller(**options)  # type: ignore[arg-type]


def failing(clock: ManualClock, *errors: Exception) -> tuple[Callable[[float], Awaitable[str]], list[float]]:
    """An attempt that fails so often before it answers; remembers when it was made."""
    sent: list[float] = []

    async def attempt(_: float) -> str:
        sent.append(round(clock.now(), 6))
        if len(sent) <= len(errors):
            raise errors[len(sent) - 1]
        return "answer"

    return attempt, sent


def test_sends_again_after_growing_waits() -> None:
    clock = ManualClock()
    attempt, sent = failing(clock, AWAY, AWAY, AWAY)
    assert asyncio.run(caller_of(clock).call("infer", attempt)) == "answer"
    assert sent == [0, 0.1, 0.3, 0.6]


def test_gives_up_with_the_last_error() -> None:
    clock = ManualClock()
    last = TritonError("UNAVAILABLE", "still not there")
    attempt, sent = failing(clock, AWAY, AWAY, AWAY, last)
    with pytest.raises(TritonError, match="still not there"):
        asyncio.run(caller_of(clock).call("infer", attempt))
    assert len(sent) == 4


@pytest.mark.parametrize(
    "error",
    [
        TritonError("INVALID_ARGUMENT", "unexpected shape", 400),
        TritonError("NOT_FOUND", "unknown model", 404),
        TritonError("INTERNAL", "the model failed", 500),
        TritonError("DEADLINE_EXCEEDED", "no answer"),
        TritonError("RESOURCE_EXHAUSTED", "too large", 413),
        TypeError("a mistake in the program"),
    ],
)
def test_never_sends_again_what_that_does_not_help(error: Exception) -> None:
    clock = ManualClock()
    attempt, sent = failing(clock, error)
    with pytest.raises(type(error)):
        asyncio.run(caller_of(clock).call("infer", attempt))
    assert len(sent) == 1
    assert clock.slept == []


def test_does_not_wait_beyond_the_time_of_the_call() -> None:
    clock = ManualClock()
    attempt, sent = failing(clock, AWAY, AWAY, AWAY)
    with pytest.raises(TritonError):
        asyncio.run(caller_of(clock, timeout=0.25).call("infer", attempt))
    assert sent == [0, 0.1]


def test_sends_nothing_while_the_circuit_is_open() -> None:
    clock = ManualClock()
    caller = caller_of(clock, circuit=CircuitOptions(2, 5.0))
    attempt, sent = failing(clock, AWAY, AWAY, AWAY)
    with pytest.raises(TritonError, match="connection refused"):
        asyncio.run(caller.call("infer", attempt))
    assert caller.circuit.state == "open"
    with pytest.raises(CircuitOpenError, match="the last 2 requests failed"):
        asyncio.run(caller.call("infer", attempt))
    assert len(sent) == 2
    clock.time += 5
    assert caller.circuit.state == "half-open"
    assert asyncio.run(caller.call("infer", failing(clock)[0])) == "answer"
    assert caller.circuit.state == "closed"


def test_the_circuit_lets_one_request_try() -> None:
    clock = ManualClock()
    circuit = CircuitBreaker(clock, CircuitOptions(1, 1.0))
    circuit.start()
    circuit.finish("failure")
    clock.time += 0.4
    with pytest.raises(CircuitOpenError, match="the next is tried in 0.6 s"):
        circuit.start()
    clock.time += 0.6
    circuit.start()
    with pytest.raises(CircuitOpenError):
        circuit.start()
    circuit.finish("neutral")
    circuit.start()
    circuit.finish("failure")
    assert circuit.state == "open"


def test_waits_double_up_to_a_bound_and_leave_half_to_chance() -> None:
    options = BackoffOptions(0.1, 1.0)
    waits = [backoff_seconds(attempt, 1, options) for attempt in (1, 2, 3, 4, 5, 500)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert backoff_seconds(3, 0, options) == 0.2
    assert may_retry(TritonError("RESOURCE_EXHAUSTED", "slow down", 429))


def test_tells_what_became_of_each_request(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    with caplog.at_level("DEBUG", "nereid_vision"):
        asyncio.run(caller_of(clock).call("infer m", failing(clock, AWAY)[0]))
    assert caplog.messages == [
        "infer m: after 0.0 ms failed: connection refused",
        "infer m: sent again in 100 ms",
        "infer m: after 0.0 ms answered",
    ]
