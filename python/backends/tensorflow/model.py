"""The TensorFlow backend: SavedModels (`model.savedmodel`) and frozen graphs (`model.graphdef`)."""

import numpy as np

import triton_python_backend_utils as pb_utils
from frozen_graph import FrozenGraph
from nereid_worker.bfloat16 import BFloat16Array
from nereid_worker.framework import (
    BatchedExecution,
    parse_config,
    require,
    tensor_entry,
    without_dimensions,
)
from saved_model import SavedModel

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
    tensorflow = require("tensorflow", "tensorflow", "tensorflow")
    frozen = config.get("platform") == "tensorflow_graphdef"
    return tensorflow, (FrozenGraph if frozen else SavedModel)(tensorflow, config)


def _properties(name, spec, batched):
    if spec.shape.rank is None:
        raise pb_utils.TritonModelException(
            f"'{name}' has any number of dimensions: its dims must be in config.pbtxt"
        )
    if spec.dtype.name not in _TYPES:
        raise pb_utils.TritonModelException(f"'{name}' has the type {spec.dtype.name}")
    shape = [-1 if size is None else size for size in spec.shape.as_list()]
    return tensor_entry(name, _TYPES[spec.dtype.name], shape, batched)


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        config = auto_complete_model_config.as_dict()
        if config["input"] and config["output"]:
            return auto_complete_model_config
        _tensorflow, model = _load(config)
        specs = [*model.inputs.values(), *model.outputs.values()]
        batched = config["max_batch_size"] > 0
        if not batched and all(spec.shape.rank and spec.shape[0] is None for spec in specs):
            auto_complete_model_config.set_max_batch_size(_DEFAULT_BATCH_SIZE)
            if "sequence_batching" not in config:
                auto_complete_model_config.set_dynamic_batching()
            batched = True
        for kind, specs in (("input", model.inputs), ("output", model.outputs)):
            config[kind] = config[kind] or [
                _properties(name, spec, batched) for name, spec in specs.items()
            ]
        return auto_complete_model_config

    def initialize(self, args):
        config = parse_config(args)
        self._tensorflow, self._model = _load(config)
        gpu = args["model_instance_kind"] == "GPU"
        self._device = f"/GPU:{args['model_instance_device_id']}" if gpu else "/CPU:0"
        self._outputs = [entry["name"] for entry in config["output"]]
        inputs = self._model.inputs.items()
        self._scalars = {name for name, spec in inputs if spec.shape.rank == 0}
        for kind, known in (("input", self._model.inputs), ("output", self._model.outputs)):
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
            shaped = without_dimensions(arrays, self._scalars)
            given = {name: self._tensor(name, array) for name, array in shaped.items()}
            outputs = self._model.call(given)
        return {name: self._array(outputs[name]) for name in self._outputs}

    def _tensor(self, name, array):
        if isinstance(array, BFloat16Array):
            bits = self._tensorflow.constant(array.view(np.ndarray))
            return self._tensorflow.bitcast(bits, self._tensorflow.bfloat16)
        return self._tensorflow.constant(array, dtype=self._model.inputs[name].dtype)

    def _array(self, output):
        if output.dtype == self._tensorflow.bfloat16:
            bits = self._tensorflow.bitcast(output, self._tensorflow.uint16)
            return bits.numpy().view(BFloat16Array)
        # A string without dimensions is a bytes object.
        kind = np.object_ if output.dtype == self._tensorflow.string else None
        return np.asarray(output.numpy(), dtype=kind)
