"""Tensors in the memory that the server and its workers have in common.

One file in memory, made by the server and sealed against changes of its size. The server says where tensors
are, and keeps them until this process says that nothing uses them; it grants memory for answers. This
process has the whole file mapped: only what is touched takes memory.
"""

import collections
import ctypes
import mmap
import os
import weakref

import numpy as np


class SharedTensors:
    """That memory. Raises OSError or ValueError where it cannot be mapped."""

    def __init__(self, descriptor, size):
        self._map = mmap.mmap(descriptor, size)
        self._address = ctypes.addressof(ctypes.c_ubyte.from_buffer(self._map))
        # Places that no array uses any more. Filled by finalizers, which may run anywhere: nothing but
        # an append is safe there.
        self.freed = collections.deque()

    def at(self, place, size):
        """What the server put there, as an array of bytes on its memory; the server is told when
        nothing uses it."""
        holder = (ctypes.c_ubyte * size).from_buffer(self._map, place)
        # At the exit of the process nobody is left to be told.
        weakref.finalize(holder, self.freed.append, place).atexit = False
        return np.frombuffer(holder, dtype=np.uint8)

    def place_of(self, array):
        """Where the array starts; negative or beyond the end for memory of another kind."""
        return array.__array_interface__["data"][0] - self._address

    def take_freed(self):
        taken = []
        # Several threads send, and take what one of them saw.
        while True:
            try:
                taken.append(self.freed.popleft())
            except IndexError:
                return taken

    def write(self, place, pieces):
        """Copies the pieces to memory that was granted."""
        for piece in pieces:
            self._map[place : place + len(piece)] = piece
            place += len(piece)


def open_shared_tensors(text):
    """The memory that `text` names, `descriptor size`; None where there is none, or it cannot be mapped."""
    if text == "":
        return None
    descriptor, size = (int(part) for part in text.split())
    try:
        return SharedTensors(descriptor, size)
    except (OSError, ValueError, OverflowError):
        return None
    finally:
        os.close(descriptor)
