# As client-loop.mjs, with Triton's own client. Usage: client-loop.py http|grpc HOST:PORT
import sys

import numpy

kind, address = sys.argv[1:]
if kind == "http":
    import tritonclient.http as triton
else:
    import tritonclient.grpc as triton

client = triton.InferenceServerClient(address)
values = numpy.arange(16, dtype=numpy.int32).reshape(1, 16)


def infer():
    inputs = []
    for name in ("INPUT0", "INPUT1"):
        tensor = triton.InferInput(name, [1, 16], "INT32")
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    if client.infer("simple", inputs).as_numpy("OUTPUT0")[0][15] != 30:
        raise ValueError("a wrong answer")


for _ in range(500):
    infer()
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        infer()
    print("done", flush=True)
