"""Sends one request with a trace context: ADDRESS http|grpc MODEL INPUT OUTPUT TRACEPARENT TRACESTATE.

Prints the values of the output.
"""

import sys

import numpy as np

address, protocol, model, input_name, output_name, traceparent, tracestate = sys.argv[1:]
if protocol == "http":
    import tritonclient.http as client
else:
    import tritonclient.grpc as client

headers = {"traceparent": traceparent, "tracestate": tracestate} if traceparent else None
tensor = client.InferInput(input_name, [2], "INT32")
tensor.set_data_from_numpy(np.array([1, 2], dtype=np.int32))
with client.InferenceServerClient(address) as connection:
    answer = connection.infer(model, [tensor], request_id="from outside", headers=headers)
print(answer.as_numpy(output_name).tolist())
