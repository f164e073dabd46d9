"""Memory of the worker's own, for large answers that no memory was granted for: the server reads it."""

import bisect
import mmap
import os
import threading

_REGION_BYTES_MAX = 1024 * 1024 * 1024
_GROWTH_BYTES = 4 * 1024 * 1024
_PAGE_BYTES = 4096


class AnswerRegion:
    """An anonymous file in memory. Raises OSError or AttributeError where there is no such memory."""

    def __init__(self):
        self._descriptor = os.memfd_create("nereid_answers")
        self._map = None
        self._ranges = []
        self._lock = threading.Lock()

    def path(self):
        """How the server opens it."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def write(self, pieces, size):
        """Copies the pieces there. Gives the offset; None when there is no room."""
        with self._lock:
            offset = self._allocate((size + _PAGE_BYTES - 1) & -_PAGE_BYTES)
            if offset is None:
                return None
            if self._map is None or len(self._map) < offset + size:
                self._grow(offset + size)
            target = self._map
        at = offset
        for piece in pieces:
            target[at : at + len(piece)] = piece
            at += len(piece)
        return offset

    def free(self, offset):
        """The server has read what was written there."""
        with self._lock:
            index = bisect.bisect_left(self._ranges, (offset, 0))
            del self._ranges[index]

    def _grow(self, end):
        size = (end + _GROWTH_BYTES - 1) // _GROWTH_BYTES * _GROWTH_BYTES
        os.ftruncate(self._descriptor, size)
        self._map = mmap.mmap(self._descriptor, size)

    def _allocate(self, size):
        at = 0
        for index, (start, end) in enumerate(self._ranges):
            if start - at >= size:
                self._ranges.insert(index, (at, at + size))
                return at
            at = end
        if at + size > _REGION_BYTES_MAX:
            return None
        self._ranges.append((at, at + size))
        return at


def make_answer_region():
    """The region; None where the system has no such memory."""
    try:
        return AnswerRegion()
    except (OSError, AttributeError):
        return None
