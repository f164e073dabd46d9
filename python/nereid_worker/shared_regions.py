"""Memory that the worker and the server share, for large payloads.

Two regions, anonymous files in memory: the server writes to one and this process maps it, so that a
model's input arrays lie in it; this process writes to the other and the server reads it.
"""

import bisect
import collections
import ctypes
import mmap
import os
import threading
import weakref

import numpy as np

_REGION_BYTES_MAX = 1024 * 1024 * 1024
_GROWTH_BYTES = 4 * 1024 * 1024
_PAGE_BYTES = 4096


class SharedRegions:
    """The two regions of this process. Raises OSError or AttributeError where there is no such memory."""

    def __init__(self):
        self._requests = os.memfd_create("nereid_requests")
        self._responses = os.memfd_create("nereid_responses")
        self._request_map = None
        self._response_map = None
        self._ranges = []
        self._lock = threading.Lock()
        # Offsets of the request region that no array uses any more. Filled by finalizers, which may run
        # anywhere: nothing but an append is safe there.
        self.freed = collections.deque()

    def paths(self):
        """How the server opens them."""
        return [f"/proc/{os.getpid()}/fd/{fd}" for fd in (self._requests, self._responses)]

    def map(self, offset, size):
        """What the server wrote, as an array on its memory; the server is told when nothing uses it."""
        end = offset + size
        if self._request_map is None or len(self._request_map) < end:
            # Arrays on the old mapping keep that one.
            self._request_map = mmap.mmap(self._requests, os.fstat(self._requests).st_size)
        holder = (ctypes.c_ubyte * size).from_buffer(self._request_map, offset)
        # At the exit of the process nobody is left to be told.
        weakref.finalize(holder, self.freed.append, offset).atexit = False
        return np.frombuffer(holder, dtype=np.uint8)

    def take_freed(self):
        taken = []
        while self.freed:
            taken.append(self.freed.popleft())
        return taken

    def write(self, pieces, size):
        """Copies the pieces there. Gives the offset; None when there is no room."""
        with self._lock:
            offset = self._allocate((size + _PAGE_BYTES - 1) & -_PAGE_BYTES)
            if offset is None:
                return None
            if self._response_map is None or len(self._response_map) < offset + size:
                self._grow(offset + size)
            target = self._response_map
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
        os.ftruncate(self._responses, size)
        self._response_map = mmap.mmap(self._responses, size)

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


def make_regions():
    """The regions; None where the system has no such memory."""
    try:
        return SharedRegions()
    except (OSError, AttributeError):
        return None
