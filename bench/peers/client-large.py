# As client-large.mjs, with Triton's own client. Usage: client-large.py http|grpc HOST:PORT
import sys

import numpy

kind, address = sys.argv[1:]
if kind == "http":
    import tritonclient.http as triton
else:
    import tritonclient.grpc as triton

client = triton.InferenceServerClient(address)
values = numpy.arange(3 * 640 * 640, dtype=numpy.float32).reshape(1, 3, 640, 640)


def infer():
    tensor = triton.InferInput("INPUT0", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values)
    answer = client.infer("image", [tensor]).as_numpy("OUTPUT0")
    if answer[0][2][639][639] != values.size - 1:
        raise ValueError("a wrong answer")


for _ in range(20):
    infer()
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        infer()
    print("done", flush=True)
