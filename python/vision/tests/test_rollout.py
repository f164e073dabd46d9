from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from conftest import ManualClock
from nereid_vision import (
    BoundingBox,
    Detection,
    DetectionResult,
    FallBackOptions,
    Rollout,
    RolloutOptions,
    detection_agreement,
    stable_share,
)
from prometheus_client.parser import text_string_to_metric_families


async def old(value: str) -> str:
    return f"old {value}"


async def new(value: str) -> str:
    return f"new {value}"


async def fail(_: str) -> str:
    raise RuntimeError("the candidate failed")


Function = Callable[[str], Awaitable[str]]


def rollout_of(candidate: Function = new, before: Function = old, **options: Any) -> Rollout[str, str]:
    given = {"clock": ManualClock(), "chance": lambda: 0.5, **options}
    return Rollout("detector", before, candidate, RolloutOptions(**given))


def sample(rollout: Rollout[str, str], name: str, **labels: str) -> float:
    wanted = {"rollout": "detector", **labels}
    for family in text_string_to_metric_families(rollout.metrics()):
        for each in family.samples:
            if each.name == f"nereid_rollout_{name}" and each.labels == wanted:
                return each.value
    raise KeyError(name)


@pytest.mark.parametrize(
    ("key", "salt", "share"),
    [
        ("camera-1", "detector", 13.58977616764605),
        ("", "", 28.190421988256276),
        ("Ä€😀", "s", 46.825065696612),
    ],
)
def test_a_key_has_the_place_that_it_has_in_typescript(key: str, salt: str, share: float) -> None:
    assert stable_share(key, salt) == pytest.approx(share)


def test_gives_each_key_to_one_of_the_two_and_moves_nobody_back() -> None:
    async def run() -> None:
        rollout = rollout_of(percentage=30)
        keys = [f"camera-{i}" for i in range(1000)]
        first = [await rollout.run("x", key) for key in keys]
        assert [await rollout.run("x", key) for key in keys] == first
        assert 250 < first.count("new x") < 350
        before: set[str] = set()
        for percentage in (0, 1, 10, 25, 50, 99, 100):
            rollout.percentage = percentage
            now = {key for key in keys if rollout.route_of(key) == "candidate"}
            assert before <= now
            before = now
        assert len(before) == len(keys)

    asyncio.run(run())


def test_lets_chance_decide_without_a_key() -> None:
    assert asyncio.run(rollout_of(percentage=51).run("x")) == "new x"
    assert asyncio.run(rollout_of(percentage=50).run("x")) == "old x"


@pytest.mark.parametrize("percentage", [-1, 101, float("nan")])
def test_refuses_what_is_no_percentage(percentage: float) -> None:
    with pytest.raises(ValueError, match="percentage is a number from 0 to 100"):
        rollout_of(percentage=percentage)
    with pytest.raises(ValueError, match="compare_percentage is a number from 0 to 100"):
        rollout_of(compare_percentage=percentage)


def test_a_candidate_that_fails_is_answered_for_and_paused() -> None:
    async def run() -> None:
        clock = ManualClock()
        broken = True
        rates: list[float] = []

        async def candidate(value: str) -> str:
            return await (fail if broken else new)(value)

        fall_back = FallBackOptions(0.5, 1.0, 4, 5.0)
        rollout = rollout_of(
            candidate, percentage=100, clock=clock, fall_back=fall_back, on_pause=rates.append
        )
        for _ in range(3):
            assert await rollout.run("x") == "old x"
        assert not rollout.paused
        await rollout.run("x")
        assert rollout.paused
        assert rates == [1.0]
        assert sample(rollout, "fall_backs_total") == 4
        broken = False
        assert await rollout.run("x") == "old x"
        assert sample(rollout, "paused") == 1
        clock.time += 5
        assert await rollout.run("x") == "new x"
        broken = True
        for _ in range(2):
            await rollout.run("x")
        assert not rollout.paused
        for _ in range(2):
            await rollout.run("x")
        assert rollout.paused
        rollout.resume()
        assert not rollout.paused

    asyncio.run(run())


def test_is_not_paused_for_old_failures_or_what_both_refuse() -> None:
    async def run() -> None:
        clock = ManualClock()
        fall_back = FallBackOptions(0.5, 1.0, 2)
        rollout = rollout_of(fail, percentage=100, clock=clock, fall_back=fall_back)
        await rollout.run("x")
        clock.time += 1.1
        await rollout.run("x")
        assert not rollout.paused
        refusing = rollout_of(fail, fail, percentage=100, fall_back=fall_back)
        for _ in range(10):
            with pytest.raises(RuntimeError):
                await refusing.run("x")
        assert not refusing.paused

    asyncio.run(run())


def test_shadow_mode_answers_with_the_old_function_and_compares() -> None:
    async def run() -> None:
        rollout = rollout_of(percentage=100, shadow=True, compare=lambda a, b: float(a[4:] == b[4:]))
        assert await rollout.run("x") == "old x"
        await rollout.idle()
        assert sample(rollout, "comparisons_total", result="same") == 1
        ran = {"route": "candidate", "role": "shadow", "outcome": "success"}
        assert sample(rollout, "requests_total", **ran) == 1

    asyncio.run(run())


def test_shadow_mode_does_not_wait_and_bounds_what_is_under_way() -> None:
    async def run() -> None:
        go = asyncio.Event()

        async def slow(_: str) -> str:
            await go.wait()
            raise RuntimeError("late")

        rollout = rollout_of(slow, percentage=100, shadow=True, shadows_max=2)
        for _ in range(5):
            assert await rollout.run("x") == "old x"
        assert sample(rollout, "shadows_dropped_total") == 3
        go.set()
        await rollout.idle()
        ran = {"route": "candidate", "role": "shadow", "outcome": "failure"}
        assert sample(rollout, "requests_total", **ran) == 2
        assert sample(rollout, "fall_backs_total") == 0

    asyncio.run(run())


def test_compares_a_part_of_what_the_candidate_served() -> None:
    async def run() -> None:
        rollout = rollout_of(
            percentage=100, compare_percentage=51, compare=lambda a, b: 0.5, agreement_min=0.6
        )
        assert await rollout.run("x") == "new x"
        await rollout.idle()
        assert sample(rollout, "comparisons_total", result="different") == 1
        assert sample(rollout, "agreement_sum") == 0.5

    asyncio.run(run())


def test_tells_durations_by_function() -> None:
    async def run() -> None:
        clock = ManualClock()

        async def slow(value: str) -> str:
            await clock.sleep(0.03)
            return value

        rollout = rollout_of(slow, percentage=100, clock=clock)
        await rollout.run("x")
        for bound, count in (("0.025", 0), ("0.05", 1), ("+Inf", 1)):
            labels = {"route": "candidate", "le": bound}
            assert sample(rollout, "duration_seconds_bucket", **labels) == count
        assert sample(rollout, "duration_seconds_count", route="old") == 0
        assert sample(rollout, "percentage") == 100

    asyncio.run(run())


def detections(*found: tuple[str, float]) -> DetectionResult:
    return DetectionResult([Detection(name, 0, 0.9, BoundingBox(x, 0, 10, 10)) for name, x in found])


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        (detections(), detections(), 1),
        (detections(("cat", 0)), detections(), 0),
        (detections(("cat", 0)), detections(("cat", 1)), 1),
        (detections(("cat", 0)), detections(("dog", 0)), 0),
        (detections(("cat", 0)), detections(("cat", 50)), 0),
        (detections(("cat", 0), ("dog", 0)), detections(("cat", 1)), 2 / 3),
        (detections(("cat", 0), ("cat", 0)), detections(("cat", 0)), 2 / 3),
    ],
)
def test_how_far_detections_agree(one: DetectionResult, other: DetectionResult, agreement: float) -> None:
    assert detection_agreement(one, other) == pytest.approx(agreement)
    assert detection_agreement(other, one) == pytest.approx(agreement)
