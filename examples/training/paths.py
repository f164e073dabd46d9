"""Where the example repository and its inputs lie, and how they are written."""

import json
import pathlib

import numpy as np
import onnx

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent

# ONNX opset 17 with IR version 8: ONNX Runtime 1.12 and every later one reads it.
OPSET = 17
ML_OPSET = 3
IR_VERSION = 8


def write_model(name: str, model: onnx.ModelProto) -> pathlib.Path:
    """Checks the model and writes it as version 1 of `name`; gives the path."""
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    path = EXAMPLES / "models" / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def write_labels(name: str, file: str, labels: list[str]) -> None:
    (EXAMPLES / "models" / name / file).write_text("\n".join(labels) + "\n")


def as_list(array: np.ndarray) -> list:
    """Numbers as short as FP32 allows: 0.1 rather than 0.10000000149011612."""
    if array.dtype == np.float32:
        return [float(str(value)) for value in array.flatten()]
    return array.flatten().tolist()


def tensor(name: str, datatype: str, array: np.ndarray) -> dict:
    """A tensor as the v2 protocol writes it in JSON."""
    return {
        "name": name,
        "datatype": datatype,
        "shape": list(array.shape),
        "data": as_list(array),
    }


def write_case(model: str, case: str, request: dict, outputs: list[dict]) -> None:
    """Writes CASE.request.json, ready for curl, and CASE.expected.json, the answer to it."""
    folder = EXAMPLES / "inputs" / model
    folder.mkdir(parents=True, exist_ok=True)
    answer = {"model_name": model, "model_version": "1", "outputs": outputs}
    (folder / f"{case}.request.json").write_text(json.dumps(request) + "\n")
    (folder / f"{case}.expected.json").write_text(json.dumps(answer) + "\n")
