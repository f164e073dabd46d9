"""Turns the weights of a sentence encoder into an ONNX model: `python … WEIGHTS.safetensors MODEL.onnx`.

The encoder is all-MiniLM-L6-v2: BERT of six layers, the mean over a sentence's tokens, length 1. The graph
is written here operator by operator, so that neither PyTorch nor a converter has to be installed.
"""

import json
import pathlib
import struct
import sys

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

LAYERS, HEADS, HIDDEN = 6, 12, 384
HEAD = HIDDEN // HEADS


def read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    """A length, a JSON table of names, shapes and offsets, and the numbers."""
    content = path.read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    table = json.loads(content[8 : 8 + size])
    tensors = {}
    for name, entry in table.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(content[begin:end], np.float32).reshape(entry["shape"])
    return tensors


class Graph:
    """Nodes and constants, with a fresh name for each result."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes = []
        self.constants = []

    def op(self, kind: str, *inputs: str, **attributes) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value, kind=np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(self.weights[name])

    def dense(self, value: str, layer: str) -> str:
        kernel = self.constant(np.ascontiguousarray(self.weights[f"{layer}.weight"].T))
        return self.op("Add", self.op("MatMul", value, kernel), self.weight(f"{layer}.bias"))

    def normal(self, value: str, layer: str) -> str:
        scale, bias = self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")
        return self.op("LayerNormalization", value, scale, bias, axis=-1, epsilon=1e-12)

    def gelu(self, value: str) -> str:
        error = self.op("Erf", self.op("Div", value, self.constant(np.sqrt(2))))
        return self.op(
            "Mul",
            self.op("Mul", value, self.constant(0.5)),
            self.op("Add", error, self.constant(1)),
        )

    def heads(self, value: str, order: list[int]) -> str:
        """[batch, tokens, 384] to a batch of heads."""
        split = self.op("Reshape", value, self.constant([0, 0, HEADS, HEAD], np.int64))
        return self.op("Transpose", split, perm=order)

    def attention(self, value: str, penalty: str, layer: str) -> str:
        query = self.heads(self.dense(value, f"{layer}.self.query"), [0, 2, 1, 3])
        key = self.heads(self.dense(value, f"{layer}.self.key"), [0, 2, 3, 1])
        content = self.heads(self.dense(value, f"{layer}.self.value"), [0, 2, 1, 3])
        scores = self.op("Div", self.op("MatMul", query, key), self.constant(np.sqrt(HEAD)))
        share = self.op("Softmax", self.op("Add", scores, penalty), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", share, content), perm=[0, 2, 1, 3])
        joined = self.op("Reshape", mixed, self.constant([0, 0, HIDDEN], np.int64))
        return self.dense(joined, f"{layer}.output.dense")

    def layer(self, value: str, penalty: str, name: str) -> str:
        attended = self.op("Add", value, self.attention(value, penalty, f"{name}.attention"))
        attended = self.normal(attended, f"{name}.attention.output.LayerNorm")
        inner = self.gelu(self.dense(attended, f"{name}.intermediate.dense"))
        return self.normal(
            self.op("Add", attended, self.dense(inner, f"{name}.output.dense")),
            f"{name}.output.LayerNorm",
        )


def build(weights: dict[str, np.ndarray]) -> ModelProto:
    graph = Graph(weights)
    words = graph.op("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    length = graph.op("Shape", "input_ids", start=1, end=2)
    start, axis = graph.constant([0], np.int64), graph.constant([0], np.int64)
    # Every token is of the first kind: its row joins the positions.
    places = (
        weights["embeddings.position_embeddings.weight"]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    positions = graph.op("Slice", graph.constant(places), start, length, axis)
    value = graph.normal(graph.op("Add", words, positions), "embeddings.LayerNorm")

    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    absent = graph.op("Sub", graph.constant(1), mask)
    wide = graph.op("Unsqueeze", absent, graph.constant([1, 2], np.int64))
    penalty = graph.op("Mul", wide, graph.constant(-1e9))
    for i in range(LAYERS):
        value = graph.layer(value, penalty, f"encoder.layer.{i}")

    weight = graph.op("Unsqueeze", mask, graph.constant([2], np.int64))
    tokens = graph.constant([1], np.int64)
    total = graph.op("ReduceSum", graph.op("Mul", value, weight), tokens, keepdims=0)
    mean = graph.op("Div", total, graph.op("ReduceSum", weight, tokens, keepdims=0))
    size = graph.op("ReduceL2", mean, axes=[1], keepdims=1)
    graph.nodes.append(helper.make_node("Div", [mean, size], ["embedding"]))
    tensor = helper.make_tensor_value_info
    built = helper.make_graph(
        graph.nodes,
        "sentence_embedding",
        [
            tensor("input_ids", TensorProto.INT64, ["batch", "tokens"]),
            tensor("attention_mask", TensorProto.INT64, ["batch", "tokens"]),
        ],
        [tensor("embedding", TensorProto.FLOAT, ["batch", HIDDEN])],
        graph.constants,
    )
    return helper.make_model(built, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


if __name__ == "__main__":
    model = build(read_safetensors(pathlib.Path(sys.argv[1])))
    pathlib.Path(sys.argv[2]).write_bytes(model.SerializeToString())
