"""Writes `simple`, `simple_string` and `simple_identity`, the models of Triton's client examples."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

import paths


def graph_model(name: str, nodes: list, inputs: list, outputs: list):
    graph = helper.make_graph(nodes, name, inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", paths.OPSET)])


def simple():
    """INT32 [16] twice: the sum and the difference."""
    info = [
        helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", 16])
        for name in ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")
    ]
    nodes = [
        helper.make_node("Add", ["INPUT0", "INPUT1"], ["OUTPUT0"]),
        helper.make_node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"]),
    ]
    return graph_model("simple", nodes, info[:2], info[2:])


def simple_string():
    """The same on decimal numbers written as text."""
    info = [
        helper.make_tensor_value_info(name, TensorProto.STRING, ["batch", 16])
        for name in ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")
    ]
    cast = helper.make_node
    nodes = [
        cast("Cast", ["INPUT0"], ["number0"], to=TensorProto.INT32),
        cast("Cast", ["INPUT1"], ["number1"], to=TensorProto.INT32),
        helper.make_node("Add", ["number0", "number1"], ["sum"]),
        helper.make_node("Sub", ["number0", "number1"], ["difference"]),
        cast("Cast", ["sum"], ["OUTPUT0"], to=TensorProto.STRING),
        cast("Cast", ["difference"], ["OUTPUT1"], to=TensorProto.STRING),
    ]
    return graph_model("simple_string", nodes, info[:2], info[2:])


def simple_identity():
    """Any strings, handed back."""
    info = [
        helper.make_tensor_value_info(name, TensorProto.STRING, ["batch", "count"])
        for name in ("INPUT0", "OUTPUT0")
    ]
    nodes = [helper.make_node("Identity", ["INPUT0"], ["OUTPUT0"])]
    return graph_model("simple_identity", nodes, info[:1], info[1:])


def run(path, feeds: dict) -> list:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def main() -> None:
    first = np.arange(16, dtype=np.int32)[None]
    second = np.ones((1, 16), np.int32)
    total, difference = run(
        paths.write_model("simple", simple()), {"INPUT0": first, "INPUT1": second}
    )
    assert (total == first + second).all() and (difference == first - second).all()
    paths.write_case(
        "simple",
        "count-and-ones",
        {
            "inputs": [
                paths.tensor("INPUT0", "INT32", first),
                paths.tensor("INPUT1", "INT32", second),
            ]
        },
        [paths.tensor("OUTPUT0", "INT32", total), paths.tensor("OUTPUT1", "INT32", difference)],
    )

    texts = [array.astype(str).astype(object) for array in (first, second)]
    path = paths.write_model("simple_string", simple_string())
    outputs = run(path, {"INPUT0": texts[0], "INPUT1": texts[1]})
    assert (outputs[0] == total.astype(str)).all() and (outputs[1] == difference.astype(str)).all()
    paths.write_case(
        "simple_string",
        "count-and-ones",
        {"inputs": [paths.tensor(f"INPUT{i}", "BYTES", texts[i]) for i in range(2)]},
        [paths.tensor(f"OUTPUT{i}", "BYTES", outputs[i]) for i in range(2)],
    )

    words = np.array([["Neptune", "Тритон", "", "ネレイド", "a\tb\"c"]], dtype=object)
    path = paths.write_model("simple_identity", simple_identity())
    assert (run(path, {"INPUT0": words})[0] == words).all()
    paths.write_case(
        "simple_identity",
        "words",
        {"inputs": [paths.tensor("INPUT0", "BYTES", words)]},
        [paths.tensor("OUTPUT0", "BYTES", words)],
    )
    print("simple, simple_string, simple_identity checked")


if __name__ == "__main__":
    main()
