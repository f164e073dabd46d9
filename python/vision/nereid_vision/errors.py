"""What can go wrong."""

from __future__ import annotations


class ConfigurationError(ValueError):
    """A setting that cannot be used."""

    def __init__(self, variable: str, value: str, expected: str) -> None:
        super().__init__(f"{variable} must be {expected}, not '{value}'")
        #: The environment variable, or the name of the setting where it came from code.
        self.variable = variable
        self.value = value


class PictureError(ValueError):
    """A picture that cannot be read: of another format, damaged, or too large."""


class UnsupportedModelError(TypeError):
    """A model that takes no single picture, or whose answer is none of a detector that is known here."""


class TritonError(Exception):
    """A request that was not answered as asked: refused or failed by the server, or lost on the way."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        #: gRPC's name, as ``UNAVAILABLE``, over HTTP, too.
        self.code = code
        #: The HTTP status; None over gRPC, and when no answer came.
        self.status = status


class CircuitOpenError(TritonError):
    """The circuit is open: the request was not sent."""

    def __init__(self, failures: int, wait_s: float) -> None:
        super().__init__(
            "UNAVAILABLE",
            f"not sent: the last {failures} requests failed, the next is tried in {wait_s:.1f} s",
        )
