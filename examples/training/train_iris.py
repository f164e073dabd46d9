"""Trains `iris`, a logistic regression that answers with the name of the species, as ONNX.

Data: UCI "Iris" (150 flowers, 4 measurements in cm), which scikit-learn ships. A quarter is held out.
The model is served without a config.pbtxt: it is left just as skl2onnx writes it.
"""

import json

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import paths

SEED = 7


def main() -> None:
    data = load_iris()
    species = data.target_names[data.target].astype(str)
    train_x, test_x, train_y, test_y = train_test_split(
        data.data.astype(np.float32), species, test_size=0.25, random_state=SEED, stratify=species
    )
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(random_state=SEED))
    pipeline.fit(train_x, train_y)
    model = to_onnx(
        pipeline,
        np.zeros((1, 4), np.float32),
        options={id(pipeline): {"zipmap": False}},
        target_opset={"": paths.OPSET, "ai.onnx.ml": paths.ML_OPSET},
    )
    model.graph.name = "iris"
    path = paths.write_model("iris", model)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    label, scores = session.run(["label", "probabilities"], {"X": test_x})
    right = int((label == test_y).sum())
    result = {"held_out": len(test_y), "right": right, "accuracy": round(right / len(test_y), 4)}
    print("iris", json.dumps(result))
    # One flower of each species: the first that is held out of each.
    rows = [int(np.flatnonzero(test_y == name)[0]) for name in data.target_names]
    paths.write_case(
        "iris",
        "three-flowers",
        {"inputs": [paths.tensor("X", "FP32", test_x[rows])]},
        [
            # The graph's `label` is a vector [batch]; a completed configuration has dims [1] for it.
            paths.tensor("label", "BYTES", label[rows][:, None]),
            paths.tensor("probabilities", "FP32", scores[rows]),
        ],
    )


if __name__ == "__main__":
    main()
