# As client-loop.mjs, with Triton's own client. Usage: client-loop.py http|grpc HOST:PORT
import numpy
from counted_loop import open_client, serve_counts

triton, client = open_client()
values = numpy.arange(16, dtype=numpy.int32).reshape(1, 16)


def infer():
    inputs = []
    for name in ("INPUT0", "INPUT1"):
        tensor = triton.InferInput(name, [1, 16], "INT32")
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    if client.infer("simple", inputs).as_numpy("OUTPUT0")[0][15] != 30:
        raise ValueError("a wrong answer")


serve_counts(infer, 500)
