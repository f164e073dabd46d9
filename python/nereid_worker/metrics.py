"""Custom metrics. The server does not take them yet: making one says so."""

import enum

from .errors import TritonModelException


class MetricKind(enum.IntEnum):
    COUNTER = 0
    GAUGE = 1
    HISTOGRAM = 2


class MetricFamily:
    COUNTER = MetricKind.COUNTER
    GAUGE = MetricKind.GAUGE
    HISTOGRAM = MetricKind.HISTOGRAM

    def __init__(self, name, description, kind):
        raise TritonModelException(
            f"Custom metrics are not supported yet: metric family '{name}' was not made."
        )


MetricFamily.__module__ = "c_python_backend_utils"
