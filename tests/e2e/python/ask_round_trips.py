"""Asks a server each case over HTTP and gRPC with Triton's own client, and prints what it gets.

Usage: ask_round_trips.py HTTP_ADDRESS GRPC_ADDRESS < cases.json

A case is {"name", "input", "output", "datatype", "shape", "data", "options"}; data and what is printed are
bytes in hexadecimal, for BYTES a list of them.
"""

import json
import sys

import numpy
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException, triton_to_np_dtype


def array_of(case):
    if case["datatype"] == "BYTES":
        elements = [bytes.fromhex(element) for element in case["data"]]
        return numpy.array(elements, dtype=object).reshape(case["shape"])
    data = bytes.fromhex(case["data"])
    return numpy.frombuffer(data, triton_to_np_dtype(case["datatype"])).reshape(case["shape"])


def hex_of(element):
    return (element.encode() if isinstance(element, str) else bytes(element)).hex()


def answer_of(result, output, response):
    array = result.as_numpy(output)
    data = (
        [hex_of(element) for element in array.flatten()]
        if array.dtype == object
        else array.tobytes().hex()
    )
    return {"shape": list(array.shape), "data": data, **response}


def common(options):
    names = ("priority", "timeout", "parameters", "sequence_id", "sequence_start", "sequence_end")
    chosen = {name: options[name] for name in names if name in options}
    return {
        "request_id": options.get("id", ""),
        "model_version": options.get("version", ""),
        **chosen,
    }


def ask_http(client, case):
    options = case["options"]
    tensor = http.InferInput(case["input"], case["shape"], case["datatype"])
    tensor.set_data_from_numpy(array_of(case), binary_data=options.get("binary", True))
    outputs = None
    if options.get("asks", False):
        outputs = [
            http.InferRequestedOutput(
                case["output"],
                binary_data=options.get("binary_output", True),
                class_count=options.get("class_count", 0),
            )
        ]
    result = client.infer(
        "echo",
        [tensor],
        outputs=outputs,
        request_compression_algorithm=options.get("compression"),
        response_compression_algorithm=options.get("compression"),
        **common(options),
    )
    response = result.get_response()
    return answer_of(
        result,
        case["output"],
        {"id": response.get("id", ""), "version": response["model_version"]},
    )


def ask_grpc(client, case):
    options = case["options"]
    tensor = grpc.InferInput(case["input"], case["shape"], case["datatype"])
    tensor.set_data_from_numpy(array_of(case))
    outputs = None
    if options.get("asks", False):
        class_count = options.get("class_count", 0)
        outputs = [grpc.InferRequestedOutput(case["output"], class_count=class_count)]
    result = client.infer(
        "echo",
        [tensor],
        outputs=outputs,
        compression_algorithm=options.get("compression"),
        **common(options),
    )
    response = result.get_response()
    return answer_of(result, case["output"], {"id": response.id, "version": response.model_version})


def outcome_of(ask, client, case):
    try:
        return ask(client, case)
    except InferenceServerException as error:
        return {"error": error.message()}
    except Exception as error:
        return {"error": f"{type(error).__name__} {error}"}


def main():
    http_client = http.InferenceServerClient(sys.argv[1])
    grpc_client = grpc.InferenceServerClient(sys.argv[2])
    answers = {}
    for case in json.load(sys.stdin):
        answers[case["name"]] = {
            "http": outcome_of(ask_http, http_client, case),
            "grpc": outcome_of(ask_grpc, grpc_client, case),
        }
    json.dump(answers, sys.stdout)


main()
