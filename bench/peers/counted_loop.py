"""What Triton's own clients do when they are asked: their one inference, so many times."""

import sys


def open_client():
    """The module of the protocol and a client. The program's arguments are http or grpc, and HOST:PORT."""
    kind, address = sys.argv[1:]
    if kind == "http":
        import tritonclient.http as triton
    else:
        import tritonclient.grpc as triton
    return triton, triton.InferenceServerClient(address)


def serve_counts(infer, warm_up_count):
    """As `serveCounts` in counted-loop.mjs."""
    for _ in range(warm_up_count):
        infer()
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            infer()
        print("done", flush=True)
