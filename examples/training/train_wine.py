"""Trains `wine`, a random forest that tells the grape from a chemical analysis, and writes it as ONNX.

Data: UCI "Wine" (178 wines from three cultivars, 13 measurements each), which scikit-learn ships.
A quarter is held out.
"""

import json

import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import paths

NAMES = ["cultivar_0", "cultivar_1", "cultivar_2"]
SEED = 7


def convert(forest: RandomForestClassifier):
    """The forest as ONNX, with the names `features`, `cultivar` and `probabilities`."""
    model = to_onnx(
        forest,
        np.zeros((1, 13), np.float32),
        options={id(forest): {"zipmap": False}},
        target_opset={"": paths.OPSET, "ai.onnx.ml": paths.ML_OPSET},
    )
    graph = model.graph
    graph.name = "wine"
    for node in graph.node:
        node.input[:] = ["features" if name == "X" else name for name in node.input]
    # skl2onnx gives the class as a vector [batch]; a column [batch, 1] is what a batch wants.
    for node in graph.node:
        node.output[:] = ["class_vector" if name == "label" else name for name in node.output]
    graph.initializer.append(helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1]))
    graph.node.append(helper.make_node("Reshape", ["class_vector", "column"], ["cultivar"]))
    value = helper.make_tensor_value_info
    del graph.input[:], graph.output[:]
    graph.input.append(value("features", TensorProto.FLOAT, ["batch", 13]))
    graph.output.append(value("cultivar", TensorProto.INT64, ["batch", 1]))
    graph.output.append(value("probabilities", TensorProto.FLOAT, ["batch", 3]))
    return model


def main() -> None:
    data = load_wine()
    train_x, test_x, train_y, test_y = train_test_split(
        data.data.astype(np.float32),
        data.target,
        test_size=0.25,
        random_state=SEED,
        stratify=data.target,
    )
    forest = RandomForestClassifier(n_estimators=60, random_state=SEED).fit(train_x, train_y)
    path = paths.write_model("wine", convert(forest))
    paths.write_labels("wine", "cultivars.txt", NAMES)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    label, scores = session.run(["cultivar", "probabilities"], {"features": test_x})
    right = int((label[:, 0] == test_y).sum())
    result = {"held_out": len(test_y), "right": right, "accuracy": round(right / len(test_y), 4)}
    print("wine", json.dumps(result))
    for case, rows in (("one", slice(0, 1)), ("five", slice(0, 5))):
        paths.write_case(
            "wine",
            case,
            {"inputs": [paths.tensor("features", "FP32", test_x[rows])]},
            [
                paths.tensor("cultivar", "INT64", label[rows]),
                paths.tensor("probabilities", "FP32", scores[rows]),
            ],
        )


if __name__ == "__main__":
    main()
