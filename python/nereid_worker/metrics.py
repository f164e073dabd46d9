"""Custom metrics: `pb_utils.MetricFamily` and the metrics in it, which the server publishes."""

import enum
import math

from . import session
from .errors import TritonModelException


class MetricKind(enum.IntEnum):
    COUNTER = 0
    GAUGE = 1
    HISTOGRAM = 2


_KIND_NAMES = {
    MetricKind.COUNTER: "counter",
    MetricKind.GAUGE: "gauge",
    MetricKind.HISTOGRAM: "histogram",
}

_SUPPORTED = {
    "Increment": (MetricKind.COUNTER, MetricKind.GAUGE),
    "Set": (MetricKind.GAUGE,),
    "Observe": (MetricKind.HISTOGRAM,),
    "Value": (MetricKind.COUNTER, MetricKind.GAUGE),
}

_CLEARED = (
    "Invalid metric operation as the corresponding 'MetricFamily' has been deleted. The "
    "'MetricFamily' object should be deleted AFTER its corresponding 'Metric' objects have been "
    "deleted."
)


class Metric:
    """One series of a family. Changes are sent, not waited for: what could be wrong with them is
    checked here."""

    __slots__ = ("_kind", "_number", "_cleared", "__weakref__")

    def __init__(self, kind, family_number, labels, buckets):
        self._cleared = True
        self._kind = kind
        self._number = _make(
            "Metric",
            {
                "kind": "metric",
                "family": family_number,
                "labels": labels,
                "buckets": buckets,
            },
        )
        self._cleared = False

    def increment(self, value):
        """Adds to a counter or a gauge; a counter takes nothing below 0."""
        self._check("increment", "Increment")
        value = float(value)
        if self._kind == MetricKind.COUNTER and value < 0:
            raise TritonModelException(
                "Failed to increment metric value: TRITONSERVER_METRIC_KIND_COUNTER can only be "
                "incremented monotonically by non-negative values."
            )
        self._change("increment", value)

    def set(self, value):
        """Sets a gauge."""
        self._check("set", "Set")
        self._change("set", float(value))

    def observe(self, value):
        """Counts a value in a histogram."""
        self._check("observe", "Observe")
        self._change("observe", float(value))

    def value(self):
        """What a counter or a gauge stands at, with what other models did to it."""
        self._check("get", "Value")
        answer, _ = session.current().ask({"kind": "metric-value", "metric": self._number})
        return float(answer["value"])

    def _check(self, what, operation):
        if self._cleared:
            problem = _CLEARED
        elif self._kind not in _SUPPORTED[operation]:
            problem = f"TRITONSERVER_METRIC_KIND_{self._kind.name} does not support {operation}"
        else:
            return
        raise TritonModelException(f"Failed to {what} metric value: {problem}")

    def _change(self, how, value):
        session.current().channel.send(
            {
                "kind": "metric-change",
                "metric": self._number,
                "how": how,
                "value": value if math.isfinite(value) else _text(value),
            }
        )

    def _clear(self):
        if self._cleared:
            return
        self._cleared = True
        _tell({"kind": "metric-delete", "metric": self._number})

    def __del__(self):
        self._clear()


class MetricFamily:
    """A name, a description and a kind. Families of one name are the same; the first description stays."""

    COUNTER = MetricKind.COUNTER
    GAUGE = MetricKind.GAUGE
    HISTOGRAM = MetricKind.HISTOGRAM

    __slots__ = ("_kind", "_number", "_metrics", "__weakref__")

    def __init__(self, name, description, kind):
        self._number = None
        # Metrics live as long as their family, whether or not the model keeps them.
        self._metrics = []
        self._kind = MetricKind(kind)
        self._number = _make(
            "MetricFamily",
            {
                "kind": "metric-family",
                "name": _string(name, "name"),
                "description": _string(description, "description"),
                "type": _KIND_NAMES[self._kind],
            },
        )

    def Metric(self, labels=None, buckets=None):
        """A series with these labels: a dictionary of strings. A histogram's has buckets: a list of
        ascending upper bounds."""
        if labels is not None and not isinstance(labels, dict):
            raise TritonModelException("Failed to create metric. Labels must be a dictionary.")
        if buckets is not None:
            if not isinstance(buckets, list):
                raise TritonModelException("Failed to create metric. Buckets must be a list.")
            if self._kind != MetricKind.HISTOGRAM:
                raise TritonModelException("Failed to create metric. Unexpected buckets found.")
            buckets = [float(bound) for bound in buckets]
            if not all(math.isfinite(bound) for bound in buckets):
                raise TritonModelException(
                    "Error when creating Metric: Bucket Boundaries must be finite"
                )
        elif self._kind == MetricKind.HISTOGRAM:
            raise TritonModelException("Failed to create metric. Missing required buckets.")
        pairs = []
        for key, value in (labels or {}).items():
            if not isinstance(value, str):
                raise TritonModelException(
                    "Error when creating Metric: attempt to access JSON non-string as string"
                )
            pairs.append([str(key), value])
        metric = Metric(self._kind, self._number, pairs, buckets)
        self._metrics.append(metric)
        return metric

    def __del__(self):
        for metric in self._metrics:
            metric._clear()
        if self._number is not None:
            _tell({"kind": "metric-family-delete", "family": self._number})


def _make(what, message):
    try:
        answer, _ = session.current().ask(message)
    except TritonModelException as error:
        raise TritonModelException(f"Error when creating {what}: {error}") from None
    return answer["number"]


def _tell(message):
    """Never raises: it is called while objects, or the process, come to their end."""
    try:
        session.current().channel.send_soon(message)
    except Exception:
        pass


def _string(text, name):
    if not isinstance(text, str):
        raise TypeError(f"MetricFamily(): {name} must be str, not {type(text).__name__}")
    return text


def _text(value):
    """As JavaScript reads it."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


Metric.__module__ = "c_python_backend_utils"
MetricFamily.__module__ = "c_python_backend_utils"
