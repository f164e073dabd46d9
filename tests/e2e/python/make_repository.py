"""Writes a model repository for the tests: `python make_repository.py FOLDER`.

`onnx_TYPE` (batches of up to 4) and `identity_TYPE` (no batching) hand back a tensor of any length, for
every data type; the first is executed by ONNX Runtime, the second by the identity backend.
"""

import pathlib
import sys

import onnx
from onnx import TensorProto, helper

from datatypes import TYPES

CONFIG = """backend: "{backend}"
max_batch_size: {batch}
input [ {{ name: "INPUT0" data_type: {type} dims: [ -1 ] }} ]
output [ {{ name: "OUTPUT0" data_type: {type} dims: [ -1 ] }} ]
"""


def onnx_identity(element: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["INPUT0"], ["OUTPUT0"])],
        "identity",
        [helper.make_tensor_value_info("INPUT0", element, ["batch", "length"])],
        [helper.make_tensor_value_info("OUTPUT0", element, ["batch", "length"])],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 16)])


def write(folder: pathlib.Path, name: str, config: str) -> pathlib.Path:
    version = folder / name / "1"
    version.mkdir(parents=True)
    (folder / name / "config.pbtxt").write_text(config)
    return version


def main(folder: pathlib.Path) -> None:
    for name, element in TYPES.items():
        config_type = "TYPE_STRING" if name == "BYTES" else f"TYPE_{name}"
        fields = {"type": config_type}
        config = CONFIG.format(backend="onnxruntime", batch=4, **fields)
        version = write(folder, f"onnx_{name}", config)
        model = onnx_identity(getattr(TensorProto, element))
        (version / "model.onnx").write_bytes(model.SerializeToString())
        write(folder, f"identity_{name}", CONFIG.format(backend="identity", batch=0, **fields))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
