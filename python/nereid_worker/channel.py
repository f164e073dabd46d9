"""Messages between the worker and the server, over one socket.

A frame is a head of 16 bytes (length of the JSON text, place of the payload, length of the payload;
little-endian), the JSON text, and the payload: the tensors' bytes one after the other, each starting at a
multiple of 64. With another place the payload is in shared memory and its offset, eight bytes, follows the
text: 1 is the server's memory in what it sends and our own in what we send, 2 is memory of the server that it
granted for the answer. With place 256 there are numbers instead of the text: see forms.py.
"""

import collections
import json
import select
import struct
import threading

import numpy as np

_HEAD = struct.Struct("<IIQ")
_OFFSET = struct.Struct("<Q")
ALIGNMENT = 64
_INLINE, _SHARED, _GRANTED = range(3)
_AFTER_NUMBERS = 256
# The server has the same bounds, and its reasons for them.
SHARED_BYTES_MIN = 64 * 1024
SHARED_BYTES_MAX = 16 * 1024 * 1024
_BUFFER_BYTES = 64 * 1024
_PIECES_MAX = 512
_PADDING = bytes(ALIGNMENT)

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def padded(byte_count):
    """The place that so many bytes take in a payload."""
    return (byte_count + ALIGNMENT - 1) & -ALIGNMENT


class Channel:
    """Sends from any thread. Reads without a thread of its own: whoever waits for a message reads, and
    hands out what is meant for others, since a thread that only reads costs a switch for each message."""

    def __init__(self, sock):
        self._socket = sock
        self._write_lock = threading.Lock()
        self._soon = collections.deque()
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        # Whose it is reads.
        self._turn = threading.Lock()
        self._read = threading.Condition()
        self._waiting = 0
        self._closed = False
        self._work = collections.deque()
        self._dispatch = {}
        # Memory for large payloads; None where the socket carries them all.
        self.shared = None
        self.region = None

    def on(self, kind, handler):
        """Has messages of this kind handed to `handler(message, payload)` by whichever thread reads."""
        self._dispatch[kind] = handler

    # Writing

    def send(self, message, arrays=(), grant=None):
        """Sends a message; `arrays` are bytes or contiguous numpy arrays, in the payload's order. `grant`
        is `(place, size)` of memory for them, if there is any."""
        shared = self.shared
        if shared is not None and shared.freed:
            message["free"] = shared.take_freed()
        text = _encode(message).encode("utf-8", "replace")
        pieces = [None, text]
        payload_bytes = 0
        for array in arrays:
            view = _bytes_view(array)
            size = view.nbytes
            if size == 0:
                continue
            pieces.append(view)
            payload_bytes += padded(size)
            if size % ALIGNMENT:
                pieces.append(_PADDING[: padded(size) - size])
        place = _INLINE
        if payload_bytes >= SHARED_BYTES_MIN:
            place, offset = self._share(pieces[2:], payload_bytes, grant)
        if place != _INLINE:
            pieces[2:] = [_OFFSET.pack(offset)]
        pieces[0] = _HEAD.pack(len(text), place, payload_bytes)
        with self._write_lock:
            self._write(pieces)
        if self._soon:
            self._flush()

    def _share(self, pieces, size, grant):
        """Puts a payload into shared memory, if it can. Gives its place and the offset there."""
        if grant is not None and size <= grant[1]:
            self.shared.write(grant[0], pieces)
            return _GRANTED, grant[0]
        if self.region is not None and size <= SHARED_BYTES_MAX:
            offset = self.region.write(pieces, size)
            if offset is not None:
                return _SHARED, offset
        return _INLINE, None

    def send_numbers(self, numbers, payload):
        """Sends numbers, and a small payload that is bytes."""
        frame = b"".join((_HEAD.pack(len(numbers), _AFTER_NUMBERS, len(payload)), numbers, payload))
        with self._write_lock:
            self._socket.sendall(frame)
        if self._soon:
            self._flush()
        if self.shared is not None and self.shared.freed:
            self.send({"kind": "freed"})

    def send_soon(self, message):
        """Sends a message without waiting for others that are being sent: they see to it then. For
        destructors, which may run in the middle of a `send` of the same thread."""
        self._soon.append(message)
        self._flush()

    def _flush(self):
        while self._soon and self._write_lock.acquire(blocking=False):
            try:
                text = _encode(self._soon.popleft()).encode("utf-8", "replace")
                self._write([_HEAD.pack(len(text), 0, 0), text])
            except IndexError:
                return
            finally:
                self._write_lock.release()

    def _write(self, pieces):
        position = 0
        while position < len(pieces):
            batch = pieces[position : position + _PIECES_MAX]
            sent = self._socket.sendmsg(batch)
            for piece in batch:
                size = len(piece)
                if sent < size:
                    pieces[position] = memoryview(piece)[sent:]
                    break
                sent -= size
                position += 1

    # Reading

    def next_work(self):
        """The next message that is no answer to a call, as a dict, or numbers, as bytes, with its payload. None
        when the server has gone."""
        if not self._work:
            self._pump(self._has_work)
        return self._work.popleft() if self._work else None

    def _has_work(self):
        return len(self._work) > 0

    def wait(self, is_done):
        """Reads until `is_done()`. Raises ConnectionError when the server goes before that."""
        self._pump(is_done)
        if not is_done():
            raise ConnectionError("the server has closed the connection")

    def poll(self):
        """Reads what has arrived, without waiting: for questions about what the server has said."""
        if self._closed or not self._turn.acquire(blocking=False):
            return
        try:
            while self._start < self._end or select.select([self._socket], [], [], 0)[0]:
                if not self._read_one():
                    break
        finally:
            self._end_turn()

    def read_always(self):
        """Has a thread read from here on, so that messages are handed out while the model executes."""
        threading.Thread(target=self._read_always, daemon=True).start()

    def _read_always(self):
        self._turn.acquire()
        while self._read_one():
            self._tell()
        self._end_turn()

    def _pump(self, is_done):
        while not is_done() and not self._closed:
            if not self._turn.acquire(blocking=False):
                self._wait_for_reader(is_done)
                continue
            try:
                while not is_done() and self._read_one():
                    self._tell()
            finally:
                self._end_turn()

    def _wait_for_reader(self, is_done):
        """Until whoever reads has read what is waited for, or reads no more."""
        with self._read:
            # Before the look at the turn, whose owner looks at it after the end of the turn.
            self._waiting += 1
            while not is_done() and not self._closed and self._turn.locked():
                self._read.wait()
            self._waiting -= 1

    def _end_turn(self):
        self._turn.release()
        self._tell()

    def _tell(self):
        """Wakes those who wait for what was read. Mostly there are none, and that costs nothing."""
        if self._waiting:
            with self._read:
                self._read.notify_all()

    def _read_one(self):
        try:
            frame = self._read_frame()
        except OSError:
            frame = None
        if frame is None:
            self._closed = True
            return False
        message, payload = frame
        if type(message) is not dict:
            self._work.append(frame)
            return True
        for offset in message.get("free", ()):
            self.region.free(offset)
        handler = self._dispatch.get(message["kind"])
        if handler is None:
            self._work.append((message, payload))
        else:
            handler(message, payload)
        return True

    def _read_frame(self):
        if self._start == self._end:
            count = self._socket.recv_into(self._buffer)
            if count == 0:
                return None
            self._start, self._end = 0, count
        numbers = self._start + _HEAD.size
        if numbers <= self._end:
            text_bytes, place, payload_bytes = _HEAD.unpack_from(self._buffer, self._start)
            payload = numbers + text_bytes
            end = payload + payload_bytes
            if place == _AFTER_NUMBERS and end <= self._end:
                self._start = end
                return self._buffer[numbers:payload], self._buffer[payload:end]
        return self._read_in_parts()

    def _read_in_parts(self):
        head = self._take(_HEAD.size)
        if head is None:
            return None
        text_bytes, place, payload_bytes = _HEAD.unpack(head)
        text = self._take(text_bytes)
        if text is None:
            return None
        if place == _AFTER_NUMBERS:
            payload = bytearray(payload_bytes)
            return (text, payload) if self._fill(memoryview(payload)) else None
        payload = None
        if place == _SHARED:
            offset = self._take(_OFFSET.size)
            if offset is None:
                return None
            payload = self.shared.at(_OFFSET.unpack(offset)[0], payload_bytes)
        elif payload_bytes > 0:
            # Not zeroed first, as a bytearray would be.
            payload = np.empty(payload_bytes, dtype=np.uint8)
            if not self._fill(memoryview(payload)):
                return None
        return json.loads(text), payload

    def _take(self, count):
        """So many bytes; None at the end of the connection."""
        if self._end - self._start >= count:
            start = self._start
            self._start += count
            return bytes(self._view[start : self._start])
        taken = bytearray(count)
        return taken if self._fill(memoryview(taken)) else None

    def _fill(self, target):
        """Fills the target: from the buffer, then from the socket, large rests without the buffer."""
        done = min(len(target), self._end - self._start)
        target[:done] = self._view[self._start : self._start + done]
        self._start += done
        while done < len(target):
            rest = len(target) - done
            if rest >= _BUFFER_BYTES:
                count = self._socket.recv_into(target[done:], rest)
                if count == 0:
                    return False
                done += count
                continue
            count = self._socket.recv_into(self._view, _BUFFER_BYTES)
            if count == 0:
                return False
            used = min(count, rest)
            target[done : done + used] = self._view[:used]
            self._start, self._end = used, count
            done += used
        return True


def _bytes_view(array):
    if isinstance(array, np.ndarray):
        return memoryview(array.reshape(-1).view(np.uint8))
    return memoryview(array)
