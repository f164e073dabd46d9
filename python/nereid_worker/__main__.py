"""Entry of the worker process: `python -u nereid_worker/__main__.py`, its socket at descriptor 3."""

import ctypes
import os
import signal
import socket
import sys

_SOCKET_DESCRIPTOR = 3
_PR_SET_PDEATHSIG = 1


def _end_with_the_server():
    """Has the kernel kill this process when the server ends, however it ends."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent or parent != int(os.environ.get("NEREID_WORKER_PARENT", parent)):
        os._exit(0)


def _cores_in(text):
    """The numbers in ranges such as `0-3,8`."""
    cores = set()
    for part in text.split(","):
        lower, _, upper = part.partition("-")
        cores.update(range(int(lower), int(upper or lower) + 1))
    return cores


def _bind_to_cores():
    """A host policy says where this instance runs, with all that it starts."""
    text = os.environ.pop("NEREID_WORKER_CORES", "")
    if text == "":
        return
    if not hasattr(os, "sched_setaffinity"):
        print("host policy: this system binds no process to cores", file=sys.stderr)
        return
    try:
        os.sched_setaffinity(0, _cores_in(text))
    except OSError as error:
        print(f"host policy: unable to bind to the cores {text}: {error.strerror}", file=sys.stderr)
        sys.exit(3)


def main():
    _end_with_the_server()
    _bind_to_cores()
    os.environ.pop("NEREID_WORKER_PARENT", None)
    # The server decides when a worker ends; a Ctrl+C reaches both. Not SIG_IGN: what the model starts
    # would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    # The first entry of the path is this folder, from `python <file>`; modules are found beside it.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.set_inheritable(_SOCKET_DESCRIPTOR, False)
    connection = socket.socket(fileno=_SOCKET_DESCRIPTOR)
    connection.setblocking(True)
    try:
        from nereid_worker.channel import Channel
    except ImportError as error:
        print(f"the Python backend needs numpy in {sys.executable}: {error}", file=sys.stderr)
        sys.exit(3)
    from nereid_worker.answer_region import make_answer_region
    from nereid_worker.forked import watch_forks
    from nereid_worker.model_runner import ModelRunner
    from nereid_worker.session import open_session
    from nereid_worker.shared_tensors import open_shared_tensors

    import triton_python_backend_utils  # noqa: F401  (registers its second name)

    channel = Channel(connection)
    session = open_session(channel)
    watch_forks(session, connection)
    runner = ModelRunner(session)
    region = make_answer_region()
    channel.shared = open_shared_tensors(os.environ.pop("NEREID_WORKER_SHARED", ""))
    hello = {
        "kind": "hello",
        "python": sys.version.split()[0],
        "region": None if region is None else region.path(),
        "shares": channel.shared is not None,
    }
    channel.send(hello)
    runner.serve(region)


if __name__ == "__main__":
    main()
