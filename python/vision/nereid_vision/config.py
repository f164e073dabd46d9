"""How a client reaches its server."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .errors import ConfigurationError

RETRIES_MAX = 100
TIMEOUT_SECONDS_MAX = 86_400

_ADDRESS = re.compile(
    r"(?:(?:https?|grpcs?)://)?(?:\[[0-9a-f:.]+\]|[^/:@?#\s]+)(?::\d{1,5})?(?:/[^?#\s]*)?", re.I
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)


def _boolean(text: str) -> bool | None:
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    return False if text.lower() in ("false", "0", "no", "off") else None


def _address(text: str) -> str | None:
    return text if _ADDRESS.fullmatch(text) else None


def _protocol(text: str) -> str | None:
    return text.lower() if text.lower() in ("grpc", "http") else None


def _model(text: str) -> str | None:
    return None if re.search(r"[/\\\s]", text) else text


def _number(low: float, high: float) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text)
        return value if low <= value <= high else None

    return read


def _timeout(text: str) -> float | None:
    seconds = _number(0, TIMEOUT_SECONDS_MAX)(text)
    return None if seconds is None or seconds == 0 else seconds


def _retries(text: str) -> int | None:
    count = _number(0, RETRIES_MAX)(text)
    return int(count) if count is not None and count == int(count) else None


@dataclass(frozen=True)
class _Setting:
    variable: str
    expected: str
    read: Callable[[str], Any]


_SETTINGS = {
    "enabled": _Setting("TRITON_ENABLED", "true or false", _boolean),
    "url": _Setting("TRITON_URL", "the address of a server, as localhost:8001", _address),
    "http_url": _Setting("TRITON_HTTP_URL", "the address of a server, as localhost:8000", _address),
    "protocol": _Setting("TRITON_PROTOCOL", "grpc or http", _protocol),
    "timeout": _Setting("TRITON_TIMEOUT", "a number of seconds above 0", _timeout),
    "model": _Setting("TRITON_MODEL", "the name of a model", _model),
    "max_retries": _Setting(
        "TRITON_MAX_RETRIES", f"a whole number from 0 to {RETRIES_MAX}", _retries
    ),
    "confidence_threshold": _Setting(
        "TRITON_CONFIDENCE_THRESHOLD", "a number from 0 to 1", _number(0, 1)
    ),
    "verbose": _Setting("TRITON_VERBOSE", "true or false", _boolean),
}


def _checked(name: str, setting: _Setting, text: str) -> Any:
    value = setting.read(text) if text else None
    if value is None:
        raise ConfigurationError(name, text, setting.expected)
    return value


@dataclass(frozen=True)
class TritonConfig:
    """How a `TritonClient` reaches its server. Checked when it is made.

    Raises ConfigurationError for a value that cannot be.
    """

    #: Whether detection on Triton is wanted at all.
    enabled: bool = False
    #: Where gRPC is served.
    url: str = "localhost:8001"
    #: Where HTTP is served.
    http_url: str = "localhost:8000"
    #: ``grpc`` or ``http``.
    protocol: str = "grpc"
    #: A call's whole time in seconds, its retries included.
    timeout: float = 60.0
    #: The model that is asked where a call names none.
    model: str = "yolo26"
    #: How often a request is sent again at most.
    max_retries: int = 3
    #: Detections below it are left out; from 0 to 1.
    confidence_threshold: float = 0.5
    #: Whether each request and what became of it is written to the log ``nereid_vision``, and that to stderr.
    verbose: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = _checked(field.name, _SETTINGS[field.name], str(getattr(self, field.name)))
            object.__setattr__(self, field.name, value)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> TritonConfig:
        """Reads ``TRITON_ENABLED``, ``TRITON_URL``, ``TRITON_HTTP_URL``, ``TRITON_PROTOCOL``, ``TRITON_TIMEOUT`` (seconds),
        ``TRITON_MODEL``, ``TRITON_MAX_RETRIES``, ``TRITON_CONFIDENCE_THRESHOLD`` and ``TRITON_VERBOSE``. One that is missing or empty
        has its default.

        Raises ConfigurationError, which names the variable and its value.
        """
        given = os.environ if environment is None else environment
        found = {}
        for name, setting in _SETTINGS.items():
            text = given.get(setting.variable, "").strip()
            if text:
                found[name] = _checked(setting.variable, setting, text)
        return cls(**found)
