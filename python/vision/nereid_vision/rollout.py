"""Moving requests from an old function to a new one, step by step."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from .calls import Clock, SystemClock
from .rollout_metrics import Role, RolloutMetrics, Route

Input = TypeVar("Input")
Answer = TypeVar("Answer")

_WINDOW_SLOTS = 10


def stable_share(key: str, salt: str) -> float:
    """The place of a key from 0 to below 100, the same in every process and in the TypeScript package: a rollout that has reached 25 %
    serves the keys below 25, and keeps them when it goes on to 50. FNV-1a over UTF-8, mixed as MurmurHash3 ends. The salt makes other
    keys go first in another rollout.
    """
    value = 0x811C9DC5
    for byte in f"{salt}:{key}".encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return (value ^ (value >> 16)) * 100 / 2**32


@dataclass(frozen=True, slots=True)
class FallBackOptions:
    """When the candidate is given up for a while."""

    #: The part of its requests that may fail.
    failure_rate_max: float = 0.1
    #: Of the requests of the last so many seconds.
    window_seconds: float = 60.0
    #: With fewer requests nothing is concluded.
    requests_min: int = 20
    #: How many seconds the old function serves all, before the candidate is tried again.
    pause_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class RolloutOptions(Generic[Answer]):
    """How carefully requests are moved."""

    #: The part of the keys that the candidate serves, from 0 to 100.
    percentage: float = 0.0
    #: The old function answers all; for its part the candidate runs beside, and is compared.
    shadow: bool = False
    #: Of the requests that the candidate serves, this part is given to the old function, too, to compare.
    compare_percentage: float = 0.0
    #: How far two answers agree, from 0 to 1: `detection_agreement` for detections.
    compare: Callable[[Answer, Answer], float] | None = None
    #: From here on two answers count as the same.
    agreement_min: float = 0.9
    #: Runs for comparison at a time; further ones are left out.
    shadows_max: int = 16
    fall_back: FallBackOptions = field(default_factory=FallBackOptions)
    #: Told when the candidate is paused, with the rate of its failures.
    on_pause: Callable[[float], None] | None = None
    #: For tests.
    clock: Clock = field(default_factory=SystemClock)
    #: For tests: from 0 to 1.
    chance: Callable[[], float] = random.random


class _FailureWindow:
    """Counts requests and failures of the last while, to a tenth of it."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._slot_seconds = seconds / _WINDOW_SLOTS
        #: Number of the slot of time, requests, failures.
        self._slots: deque[list[int]] = deque()

    def add(self, failed: bool) -> None:
        now = int(self._clock.now() // self._slot_seconds)
        if not self._slots or self._slots[-1][0] != now:
            self._slots.append([now, 0, 0])
        self._slots[-1][1] += 1
        self._slots[-1][2] += failed
        while self._slots[0][0] <= now - _WINDOW_SLOTS:
            self._slots.popleft()

    def counts(self) -> tuple[int, int]:
        """Requests and failures, right after one was added."""
        return sum(slot[1] for slot in self._slots), sum(slot[2] for slot in self._slots)

    def clear(self) -> None:
        self._slots.clear()


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[Answer]):
    answer: Answer | None = None
    error: Exception | None = None

    @property
    def failed(self) -> bool:
        return self.error is not None

    def value(self) -> Answer:
        if self.error is not None:
            raise self.error
        return self.answer  # type: ignore[return-value]


class Rollout(Generic[Input, Answer]):
    """Moves requests from an old function to a candidate. Where the candidate fails the old function answers, so a request fails only
    where both do; and where it fails often, it is left alone for a while.
    """

    def __init__(
        self,
        name: str,
        old: Callable[[Input], Awaitable[Answer]],
        candidate: Callable[[Input], Awaitable[Answer]],
        options: RolloutOptions[Answer] | None = None,
    ) -> None:
        """`name` labels the metrics and salts the order of the keys. Raises ValueError for a percentage that is none."""
        self._options: RolloutOptions[Answer] = options or RolloutOptions()
        _check_percentage("compare_percentage", self._options.compare_percentage)
        self._name = name
        self._functions: dict[Route, Callable[[Input], Awaitable[Answer]]] = {
            "old": old,
            "candidate": candidate,
        }
        self._clock = self._options.clock
        self._window = _FailureWindow(self._clock, self._options.fall_back.window_seconds)
        self._metrics = RolloutMetrics(name)
        self._shadows: set[asyncio.Task[None]] = set()
        self._paused_until: float | None = None
        #: Whether the old function answers all.
        self.shadow = self._options.shadow
        self.percentage = self._options.percentage

    @property
    def percentage(self) -> float:
        """The part of the keys that the candidate serves, from 0 to 100. May be changed at any time."""
        return self._percentage

    @percentage.setter
    def percentage(self, percentage: float) -> None:
        _check_percentage("percentage", percentage)
        self._percentage = percentage

    @property
    def paused(self) -> bool:
        """Whether the candidate is left alone for its failures."""
        return self._paused_until is not None and self._clock.now() < self._paused_until

    def resume(self) -> None:
        """Tries the candidate again at once."""
        self._paused_until = None
        self._window.clear()

    def route_of(self, key: str) -> Literal["old", "candidate"]:
        """Whose turn a key is at the percentage of now: always the same, and never the old function's again when it grows."""
        return "candidate" if stable_share(key, self._name) < self._percentage else "old"

    async def run(self, input: Input, key: str | None = None) -> Answer:
        """Answers a request. `key` says what stays together, such as a camera or a customer; without one, chance decides.

        Raises what the old function raises; never an error of the candidate alone.
        """
        if key is None:
            chosen = self._options.chance() * 100 < self._percentage
        else:
            chosen = self.route_of(key) == "candidate"
        if not chosen or self.paused:
            return (await self._call("old", "serving", input)).value()
        if self.shadow:
            return await self._run_old_beside_candidate(input)
        return await self._run_candidate(input)

    def metrics(self) -> str:
        """The counters, in Prometheus' text format."""
        return self._metrics.text(self._percentage, self.paused)

    async def idle(self) -> None:
        """Waits until no run for comparison is under way."""
        while self._shadows:
            await asyncio.wait(self._shadows)

    async def _run_candidate(self, input: Input) -> Answer:
        candidate = await self._call("candidate", "serving", input)
        if candidate.failed:
            old = await self._call("old", "serving", input)
            # What both refuse is the request's fault.
            if not old.failed:
                self._metrics.fall_backs += 1
                self._judge(True)
            return old.value()
        self._judge(False)
        if self._options.chance() * 100 < self._options.compare_percentage and self._may_shadow():

            async def compare() -> None:
                self._compare(await self._call("old", "shadow", input), candidate)

            self._in_background(asyncio.ensure_future(compare()))
        return candidate.value()

    async def _run_old_beside_candidate(self, input: Input) -> Answer:
        if not self._may_shadow():
            return (await self._call("old", "serving", input)).value()
        running = asyncio.ensure_future(self._call("old", "serving", input))

        async def compare() -> None:
            candidate = await self._call("candidate", "shadow", input)
            old = await asyncio.shield(running)
            if not old.failed:
                self._judge(candidate.failed)
                self._compare(old, candidate)

        self._in_background(asyncio.ensure_future(compare()))
        return (await running).value()

    async def _call(self, route: Route, role: Role, input: Input) -> _Outcome[Answer]:
        start = self._clock.now()
        outcome: _Outcome[Answer]
        try:
            outcome = _Outcome(answer=await self._functions[route](input))
        except Exception as error:
            outcome = _Outcome(error=error)
        self._metrics.ran(route, role, outcome.failed, self._clock.now() - start)
        return outcome

    def _may_shadow(self) -> bool:
        if len(self._shadows) < self._options.shadows_max:
            return True
        self._metrics.shadows_dropped += 1
        return False

    def _in_background(self, task: asyncio.Task[None]) -> None:
        self._shadows.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._shadows.discard(task)
        # The old function's task was cancelled with its request: nothing is compared.
        if not task.cancelled():
            task.exception()

    def _compare(self, old: _Outcome[Answer], candidate: _Outcome[Answer]) -> None:
        """A comparison that raises has found answers that cannot be compared: they differ."""
        if self._options.compare is None or old.failed or candidate.failed:
            return
        try:
            agreement = self._options.compare(old.value(), candidate.value())
        except Exception:
            agreement = 0.0
        self._metrics.compared(agreement, agreement >= self._options.agreement_min)

    def _judge(self, failed: bool) -> None:
        """Counts a request of the candidate, and pauses it when too many failed."""
        # What began before a pause tells nothing of the time after it.
        if self.paused:
            return
        if self._paused_until is not None:
            self.resume()
        self._window.add(failed)
        requests, failures = self._window.counts()
        fall_back = self._options.fall_back
        if not failed or requests < fall_back.requests_min:
            return
        rate = failures / requests
        if rate <= fall_back.failure_rate_max:
            return
        self._paused_until = self._clock.now() + fall_back.pause_seconds
        self._metrics.pauses += 1
        if self._options.on_pause is not None:
            self._options.on_pause(rate)


def _check_percentage(name: str, percentage: float) -> None:
    if not 0 <= percentage <= 100:
        raise ValueError(f"{name} is a number from 0 to 100, not {percentage}")
