"""Sending requests again where that may help, and none to a server that is known to be away."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from .errors import CircuitOpenError, TritonError

T = TypeVar("T")

logger = logging.getLogger("nereid_vision")

CircuitState = Literal["closed", "open", "half-open"]
RequestOutcome = Literal["success", "failure", "neutral"]


class Clock(Protocol):
    """Time, passed in so that tests need not wait."""

    def now(self) -> float:
        """Seconds; only goes forward."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real time."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class BackoffOptions:
    #: The first wait at most, in seconds; each further one may be twice as long.
    delay: float = 0.2
    #: No wait is longer.
    delay_max: float = 10.0


@dataclass(frozen=True, slots=True)
class CircuitOptions:
    #: So many requests that fail one after the other open the circuit.
    failures_max: int = 5
    #: How many seconds an open circuit lets nothing through.
    open_seconds: float = 10.0


def may_retry(error: BaseException) -> bool:
    """Whether the same request may succeed when it is sent again: the connection or the server was not there, a queue was full, a gateway
    asked for patience. Never the client's own error, nor one that the model would repeat; nor a time that is over, since the caller's
    is over with it.
    """
    return isinstance(error, TritonError) and (error.code == "UNAVAILABLE" or error.status == 429)


def outcome_of(error: BaseException) -> RequestOutcome:
    """What an error tells of the server: one that refuses a request is alive."""
    if not isinstance(error, TritonError) or error.code == "CANCELLED":
        return "neutral"
    return "failure" if may_retry(error) or error.code == "DEADLINE_EXCEEDED" else "success"


def backoff_seconds(attempt: int, chance: float, options: BackoffOptions) -> float:
    """How long to wait before a request is sent again: twice as long each time, and of that between the half and all by chance, so that
    clients that failed together do not come back together. `attempt` counts from 1.
    """
    whole = min(options.delay_max, options.delay * 2.0 ** (attempt - 1))
    return whole * (0.5 + chance / 2)


class CircuitBreaker:
    """Keeps requests from a server that does not answer. Closed it lets all through; open, none; after a while one goes first, and decides
    whether the others may follow.
    """

    def __init__(self, clock: Clock, options: CircuitOptions) -> None:
        self._clock = clock
        self._options = options
        self._failures = 0
        self._opened: float | None = None
        self._trying = False

    @property
    def state(self) -> CircuitState:
        if self._opened is None:
            return "closed"
        return "open" if self._left(self._opened) > 0 else "half-open"

    def start(self) -> None:
        """Asks to send one request. Each that may be sent is answered with `finish`. Raises CircuitOpenError."""
        if self._opened is None:
            return
        left = self._left(self._opened)
        if left > 0 or self._trying:
            raise CircuitOpenError(self._failures, left)
        self._trying = True

    def finish(self, outcome: RequestOutcome) -> None:
        """Tells what became of a request that `start` let through."""
        self._trying = False
        if outcome == "success":
            self._failures = 0
            self._opened = None
        elif outcome == "failure":
            self._failures += 1
            if self._failures >= self._options.failures_max:
                self._opened = self._clock.now()

    def _left(self, opened: float) -> float:
        return max(0.0, opened + self._options.open_seconds - self._clock.now())


class ResilientCaller:
    """Sends requests, again where that may help, within a call's time."""

    def __init__(
        self,
        retries_max: int,
        timeout: float,
        backoff: BackoffOptions,
        circuit: CircuitOptions,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._retries_max = retries_max
        self._timeout = timeout
        self._backoff = backoff
        self._clock = clock
        self._chance = chance
        self.circuit = CircuitBreaker(clock, circuit)

    async def call(self, what: str, attempt: Callable[[float], Awaitable[T]]) -> T:
        """Each attempt is told how many seconds are left of the call's time. `what` is for the log."""
        end = self._clock.now() + self._timeout
        sent = 0
        while True:
            sent += 1
            try:
                return await self._send(what, attempt, max(0.001, end - self._clock.now()))
            except TritonError as error:
                if sent > self._retries_max or not may_retry(error):
                    raise
                delay = backoff_seconds(sent, self._chance(), self._backoff)
                if self.circuit.state != "closed" or self._clock.now() + delay >= end:
                    raise
            logger.debug("%s: sent again in %.0f ms", what, delay * 1000)
            await self._clock.sleep(delay)

    async def _send(
        self, what: str, attempt: Callable[[float], Awaitable[T]], seconds: float
    ) -> T:
        self.circuit.start()
        start = self._clock.now()
        try:
            answer = await attempt(seconds)
        except BaseException as error:
            self.circuit.finish(outcome_of(error))
            self._ended(what, start, f"failed: {error or type(error).__name__}")
            raise
        self.circuit.finish("success")
        self._ended(what, start, "answered")
        return answer

    def _ended(self, what: str, start: float, how: str) -> None:
        milliseconds = (self._clock.now() - start) * 1000
        logger.debug("%s: after %.1f ms %s", what, milliseconds, how)
