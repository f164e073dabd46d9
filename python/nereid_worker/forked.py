"""Processes that a model forks, as `multiprocessing` does. They have a copy of the worker's memory, but neither
its requests nor its connection: what they ask for, the worker asks for them."""

import ctypes
import os
import signal
import socket
import sys
import threading

import numpy as np

_PR_SET_PDEATHSIG = 1
# What destructors of copies say is not theirs to say.
_SILENT = ("dropped", "freed")


def watch_forks(session, connection):
    """Has processes that are forked from here on leave `connection` alone and speak through this one."""
    if not hasattr(os, "register_at_fork"):
        return
    forks = _Forks(session, connection)
    os.register_at_fork(
        before=forks.before, after_in_parent=forks.in_parent, after_in_child=forks.in_child
    )


class _Forks:
    def __init__(self, session, connection):
        self._session = session
        self._connection = connection
        self._worker = os.getpid()
        # Threads may fork at the same time.
        self._pair = threading.local()
        # Our ends: a child must not hold those of others open.
        self._ends = set()

    def before(self):
        self._pair.ends = socket.socketpair() if os.getpid() == self._worker else None

    def in_parent(self):
        if self._pair.ends is None:
            return
        ours, theirs = self._pair.ends
        theirs.close()
        end = _wrapped(ours)
        self._ends.add(end)
        _Relay(self._session, end, self._ends).start()

    def in_child(self):
        if self._pair.ends is None:
            # A process that a child forks has nobody to speak for it.
            self._session.become(_ForkedChannel(None))
            return
        ours, theirs = self._pair.ends
        for end in (ours, *self._ends, self._connection):
            end.close()
        self._session.become(_ForkedChannel(theirs))
        # The worker ignores these; `Pool.terminate` waits for what they do.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # The signal comes when the thread ends that has forked.
        by_main = threading.current_thread() is threading.main_thread()
        if sys.platform.startswith("linux") and by_main and os.getppid() == self._worker:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wrapped(end):
    from multiprocessing.connection import Connection

    return Connection(end.detach())


class _Relay(threading.Thread):
    """In the worker: asks for one child, until that has gone."""

    def __init__(self, session, end, ends):
        super().__init__(daemon=True)
        self._session = session
        self._end, self._ends = end, ends
        self._numbers = {}
        self._lock = threading.Lock()

    def run(self):
        try:
            while True:
                message, arrays = self._end.recv()
                if message["kind"] == "cancel-call":
                    message["call"] = self._numbers.get(message["call"], 0)
                    self._session.channel.send(message)
                elif "call" in message:
                    self._ask(message, arrays)
                else:
                    self._session.channel.send(message, arrays)
        except (EOFError, OSError):
            pass
        finally:
            self._ends.discard(self._end)
            self._end.close()

    def _ask(self, message, arrays):
        theirs = message.pop("call")
        number = self._numbers[theirs] = self._session.call(message, arrays)
        threading.Thread(target=self._answer, args=(theirs, number), daemon=True).start()

    def _answer(self, theirs, number):
        final = False
        try:
            while not final:
                answer, payload = self._session.answer(number, last=False)
                final = answer.get("final", True)
                content = None if payload is None else bytes(payload)
                with self._lock:
                    self._end.send(({**answer, "call": theirs}, content))
        except OSError:
            self._session.forget(number)
        finally:
            self._numbers.pop(theirs, None)


class _ForkedChannel:
    """In a child: what `Channel` is in the worker."""

    shared = None
    region = None

    def __init__(self, end):
        self._connection = None if end is None else _wrapped(end)
        self._write_lock = threading.Lock()
        self._turn = threading.Condition()
        self._reading = False
        self._dispatch = {}

    def on(self, kind, handler):
        self._dispatch[kind] = handler

    def read_always(self):
        pass

    def send(self, message, arrays=(), grant=None):
        if message["kind"] in _SILENT:
            return
        if self._connection is None:
            raise ConnectionError("a process that a model's process has forked has no server")
        copies = [array.tobytes() if isinstance(array, np.ndarray) else bytes(array) for array in arrays]
        with self._write_lock:
            self._connection.send((message, copies))

    def send_soon(self, message):
        try:
            self.send(message)
        except OSError:
            pass

    def poll(self):
        with self._turn:
            if self._reading or self._connection is None:
                return
            self._reading = True
        try:
            while self._connection.poll():
                self._read_one()
        finally:
            self._end_turn()

    def wait(self, is_done):
        while True:
            with self._turn:
                while self._reading and not is_done():
                    self._turn.wait()
                if is_done():
                    return
                self._reading = True
            try:
                self._read_one()
            finally:
                self._end_turn()

    def _end_turn(self):
        with self._turn:
            self._reading = False
            self._turn.notify_all()

    def _read_one(self):
        try:
            message, payload = self._connection.recv()
        except EOFError:
            raise ConnectionError("the model's process has ended") from None
        handler = self._dispatch.get(message["kind"])
        if handler is not None:
            handler(message, None if payload is None else np.frombuffer(bytearray(payload), np.uint8))
