# As client-large.mjs, with Triton's own client. Usage: client-large.py http|grpc HOST:PORT
import numpy
from counted_loop import open_client, serve_counts

triton, client = open_client()
values = numpy.arange(3 * 640 * 640, dtype=numpy.float32).reshape(1, 3, 640, 640)


def infer():
    tensor = triton.InferInput("INPUT0", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values)
    answer = client.infer("image", [tensor]).as_numpy("OUTPUT0")
    if answer[0][2][639][639] != values.size - 1:
        raise ValueError("a wrong answer")


serve_counts(infer, 20)
