"""TritonError, which a response carries, and TritonModelException, which calls raise."""

import enum

from .text import text_of


class TritonModelException(Exception):
    """What a call of this module that cannot be answered raises."""


TritonModelException.__module__ = "c_python_backend_utils"


class ErrorCode(enum.IntEnum):
    """Triton's closed set of error codes."""

    UNKNOWN = 0
    INTERNAL = 1
    NOT_FOUND = 2
    INVALID_ARG = 3
    UNAVAILABLE = 4
    UNSUPPORTED = 5
    ALREADY_EXISTS = 6
    CANCELLED = 7


class TritonError:
    """An error that a response tells its client."""

    UNKNOWN = ErrorCode.UNKNOWN
    INTERNAL = ErrorCode.INTERNAL
    NOT_FOUND = ErrorCode.NOT_FOUND
    INVALID_ARG = ErrorCode.INVALID_ARG
    UNAVAILABLE = ErrorCode.UNAVAILABLE
    UNSUPPORTED = ErrorCode.UNSUPPORTED
    ALREADY_EXISTS = ErrorCode.ALREADY_EXISTS
    CANCELLED = ErrorCode.CANCELLED

    __slots__ = ("_message", "_code")

    def __init__(self, message, code=ErrorCode.INTERNAL):
        self._message = text_of(message, "TritonError(): message")
        self._code = ErrorCode(code)

    def message(self):
        return self._message

    def code(self):
        return self._code


TritonError.__module__ = "c_python_backend_utils"
