"""What a rollout counts, as Prometheus reads it."""

from __future__ import annotations

from itertools import accumulate
from typing import Literal

#: The function that ran.
Route = Literal["old", "candidate"]
#: Whether its answer was given, or only compared.
Role = Literal["serving", "shadow"]

#: Upper bounds in seconds, as Prometheus' own clients have them.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_PREFIX = "nereid_rollout"
_ROUTES: tuple[Route, ...] = ("old", "candidate")
_ROLES: tuple[Role, ...] = ("serving", "shadow")


class _DurationHistogram:
    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        bucket = next((i for i, bound in enumerate(_BUCKETS) if seconds <= bound), len(_BUCKETS))
        self._counts[bucket] += 1
        self._sum += seconds

    def lines(self, name: str, labels: str) -> list[str]:
        below = list(accumulate(self._counts))
        return [
            *(
                f'{name}_bucket{{{labels},le="{bound}"}} {count}'
                for bound, count in zip((*_BUCKETS, "+Inf"), below)
            ),
            f"{name}_sum{{{labels}}} {self._sum}",
            f"{name}_count{{{labels}}} {below[-1]}",
        ]


class RolloutMetrics:
    """Counters of one rollout."""

    def __init__(self, name: str) -> None:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        self._label = f'rollout="{escaped}"'
        self._durations = {route: _DurationHistogram() for route in _ROUTES}
        self._requests = {
            (route, role, outcome): 0
            for route in _ROUTES
            for role in _ROLES
            for outcome in ("success", "failure")
        }
        self.fall_backs = 0
        self.shadows_dropped = 0
        self.pauses = 0
        self._same = 0
        self._different = 0
        self._agreement = 0.0

    def ran(self, route: Route, role: Role, failed: bool, seconds: float) -> None:
        self._requests[route, role, "failure" if failed else "success"] += 1
        self._durations[route].add(seconds)

    def compared(self, agreement: float, same: bool) -> None:
        self._agreement += agreement
        self._same += same
        self._different += not same

    def text(self, percentage: float, paused: bool) -> str:
        """In Prometheus' text format."""
        label = self._label
        requests = {
            f'{label},route="{route}",role="{role}",outcome="{outcome}"': count
            for (route, role, outcome), count in self._requests.items()
        }
        compared = {
            f'{label},result="same"': self._same,
            f'{label},result="different"': self._different,
        }
        counters: list[tuple[str, str, dict[str, int]]] = [
            ("requests", "Calls of the old function and of the candidate", requests),
            (
                "fall_backs",
                "Requests that the old function answered since the candidate failed",
                {label: self.fall_backs},
            ),
            (
                "shadows_dropped",
                "Comparisons left out since too many were under way",
                {label: self.shadows_dropped},
            ),
            ("pauses", "Times that the candidate was paused for its failures", {label: self.pauses}),
            ("comparisons", "Answers of both functions that were compared", compared),
        ]
        lines = []
        for name, help, values in counters:
            lines += _head(f"{name}_total", "counter", help)
            lines += [f"{_PREFIX}_{name}_total{{{labels}}} {n}" for labels, n in values.items()]
        lines += [
            *_head("agreement", "summary", "How far compared answers agree, from 0 to 1"),
            f"{_PREFIX}_agreement_sum{{{label}}} {self._agreement}",
            f"{_PREFIX}_agreement_count{{{label}}} {self._same + self._different}",
            *_head("duration_seconds", "histogram", "How long the functions took"),
        ]
        for route, durations in self._durations.items():
            lines += durations.lines(f"{_PREFIX}_duration_seconds", f'{label},route="{route}"')
        lines += [
            *_head("percentage", "gauge", "The part of the keys that the candidate is to serve"),
            f"{_PREFIX}_percentage{{{label}}} {percentage}",
            *_head("paused", "gauge", "Whether the candidate is paused for its failures"),
            f"{_PREFIX}_paused{{{label}}} {int(paused)}",
        ]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, help: str) -> list[str]:
    return [f"# HELP {_PREFIX}_{name} {help}", f"# TYPE {_PREFIX}_{name} {kind}"]
