"""The TensorFlow backend: SavedModels (`model.savedmodel`)."""

import numpy as np

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import (
    BatchedExecution,
    model_file,
    parameter,
    parse_config,
    require,
    without_dimensions,
)

_DEFAULT_MODEL = "model.savedmodel"
_DEFAULT_SIGNATURE = "serving_default"
_DEFAULT_BATCH_SIZE = 4

_TYPES = {
    "bool": "TYPE_BOOL",
    "uint8": "TYPE_UINT8",
    "uint16": "TYPE_UINT16",
    "uint32": "TYPE_UINT32",
    "uint64": "TYPE_UINT64",
    "int8": "TYPE_INT8",
    "int16": "TYPE_INT16",
    "int32": "TYPE_INT32",
    "int64": "TYPE_INT64",
    "float16": "TYPE_FP16",
    "float32": "TYPE_FP32",
    "float64": "TYPE_FP64",
    "string": "TYPE_STRING",
    "bfloat16": "TYPE_BF16",
}


def _load(config):
    if config.get("platform") == "tensorflow_graphdef":
        raise pb_utils.TritonModelException(
            "frozen graphs (model.graphdef) are not supported by this backend: save the model as a "
            "SavedModel"
        )
    tensorflow = require("tensorflow", "tensorflow", "tensorflow")
    tags = parameter(config, "TF_GRAPH_TAG", "serve")
    loaded = tensorflow.saved_model.load(model_file(config, _DEFAULT_MODEL), tags=[tags])
    name = parameter(config, "TF_SIGNATURE_DEF", _DEFAULT_SIGNATURE)
    if name not in loaded.signatures:
        known = ", ".join(loaded.signatures)
        raise pb_utils.TritonModelException(
            f"model '{config['name']}' has no signature '{name}', it has: {known}"
        )
    return tensorflow, loaded, loaded.signatures[name]


def _properties(name, spec, batched):
    if spec.shape.rank is None:
        raise pb_utils.TritonModelException(
            f"'{name}' has any number of dimensions: its dims must be in config.pbtxt"
        )
    if spec.dtype.name not in _TYPES:
        raise pb_utils.TritonModelException(f"'{name}' has the type {spec.dtype.name}")
    dims = [-1 if size is None else size for size in spec.shape.as_list()]
    dims = dims[1 if batched else 0 :] or [1]
    return {"name": name, "data_type": _TYPES[spec.dtype.name], "dims": dims}


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        config = auto_complete_model_config.as_dict()
        if config["input"] and config["output"]:
            return auto_complete_model_config
        _tensorflow, _loaded, signature = _load(config)
        inputs = signature.structured_input_signature[1]
        outputs = signature.structured_outputs
        specs = [*inputs.values(), *outputs.values()]
        batched = config["max_batch_size"] > 0
        if not batched and all(spec.shape.rank and spec.shape[0] is None for spec in specs):
            auto_complete_model_config.set_max_batch_size(_DEFAULT_BATCH_SIZE)
            if "sequence_batching" not in config:
                auto_complete_model_config.set_dynamic_batching()
            batched = True
        if not config["input"]:
            for name, spec in inputs.items():
                auto_complete_model_config.add_input(_properties(name, spec, batched))
        if not config["output"]:
            for name, spec in outputs.items():
                auto_complete_model_config.add_output(_properties(name, spec, batched))
        return auto_complete_model_config

    def initialize(self, args):
        config = parse_config(args)
        # The loaded object is kept: its variables belong to it.
        self._tensorflow, self._loaded, self._signature = _load(config)
        gpu = args["model_instance_kind"] == "GPU"
        self._device = f"/GPU:{args['model_instance_device_id']}" if gpu else "/CPU:0"
        specs = self._signature.structured_input_signature[1]
        self._types = {name: spec.dtype for name, spec in specs.items()}
        self._scalars = {name for name, spec in specs.items() if spec.shape.rank == 0}
        self._outputs = [entry["name"] for entry in config["output"]]
        for kind, known in (("input", self._types), ("output", self._signature.structured_outputs)):
            for entry in config[kind]:
                if entry["name"] not in known:
                    raise pb_utils.TritonModelException(
                        f"unexpected inference {kind} '{entry['name']}', allowed {kind}s are: "
                        f"{', '.join(known)}"
                    )
        self._execution = BatchedExecution(config)

    def execute(self, requests):
        return self._execution.answer(requests, self._run)

    def _run(self, arrays):
        with self._tensorflow.device(self._device):
            given = {
                name: self._tensorflow.constant(array, dtype=self._types[name])
                for name, array in without_dimensions(arrays, self._scalars).items()
            }
            outputs = self._signature(**given)
        return {name: np.asarray(outputs[name].numpy()) for name in self._outputs}
