"""The OpenVINO backend: `model.xml` with `model.bin`, or any file that OpenVINO reads."""

import numpy as np

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import (
    BatchedExecution,
    model_file,
    parameter,
    parse_config,
    require,
    tensor_entry,
    without_dimensions,
)

_DEFAULT_MODEL = "model.xml"
# What a model that can batch gets, as with Triton's ONNX Runtime backend.
_DEFAULT_BATCH_SIZE = 4

# OpenVINO's names of element types, and those of configurations.
_TYPES = {
    "boolean": "TYPE_BOOL",
    "u8": "TYPE_UINT8",
    "u16": "TYPE_UINT16",
    "u32": "TYPE_UINT32",
    "u64": "TYPE_UINT64",
    "i8": "TYPE_INT8",
    "i16": "TYPE_INT16",
    "i32": "TYPE_INT32",
    "i64": "TYPE_INT64",
    "f16": "TYPE_FP16",
    "f32": "TYPE_FP32",
    "f64": "TYPE_FP64",
    "string": "TYPE_STRING",
}


def _read(config):
    openvino = require("openvino", "openvino", "openvino")
    core = openvino.Core()
    extension = parameter(config, "CPU_EXTENSION_PATH")
    if extension != "":
        core.add_extension(extension)
    return core, core.read_model(model_file(config, _DEFAULT_MODEL))


def _dims(port):
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic:
        raise pb_utils.TritonModelException(
            f"'{port.get_any_name()}' has any number of dimensions: its dims must be in config.pbtxt"
        )
    return [-1 if size.is_dynamic else size.get_length() for size in shape]


def _properties(port, batched):
    element = port.get_element_type().get_type_name()
    if element not in _TYPES:
        raise pb_utils.TritonModelException(
            f"'{port.get_any_name()}' has the element type {element}, which no tensor has"
        )
    return tensor_entry(port.get_any_name(), _TYPES[element], _dims(port), batched)


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        config = auto_complete_model_config.as_dict()
        if config["input"] and config["output"]:
            return auto_complete_model_config
        _core, model = _read(config)
        ports = [*model.inputs, *model.outputs]
        batched = config["max_batch_size"] > 0
        if not batched and all(_dims(port)[:1] == [-1] for port in ports):
            auto_complete_model_config.set_max_batch_size(_DEFAULT_BATCH_SIZE)
            if "sequence_batching" not in config:
                auto_complete_model_config.set_dynamic_batching()
            batched = True
        for kind, ports in (("input", model.inputs), ("output", model.outputs)):
            config[kind] = config[kind] or [_properties(port, batched) for port in ports]
        return auto_complete_model_config

    def initialize(self, args):
        config = parse_config(args)
        core, model = _read(config)
        if config["max_batch_size"] > 0:
            self._let_batch(model)
        device = parameter(config, "TARGET_DEVICE", "CPU")
        if args["model_instance_kind"] == "GPU":
            device = f"GPU.{args['model_instance_device_id']}"
        settings = {"PERFORMANCE_HINT": parameter(config, "PERFORMANCE_HINT", "LATENCY")}
        for name in ("NUM_STREAMS", "INFERENCE_NUM_THREADS", "INFERENCE_PRECISION_HINT"):
            if parameter(config, name) != "":
                settings[name] = parameter(config, name)
        self._request = core.compile_model(model, device, settings).create_infer_request()
        names = {name for port in model.inputs for name in port.get_names()}
        self._scalars = {
            name
            for port in model.inputs
            if port.get_partial_shape().rank == 0
            for name in port.get_names()
        }
        self._outputs = {}
        for entry in config["output"]:
            found = [i for i, port in enumerate(model.outputs) if entry["name"] in port.get_names()]
            if not found:
                known = ", ".join(port.get_any_name() for port in model.outputs)
                raise pb_utils.TritonModelException(
                    f"unexpected inference output '{entry['name']}', allowed outputs are: {known}"
                )
            self._outputs[entry["name"]] = found[0]
        for entry in config["input"]:
            if entry["name"] not in names:
                known = ", ".join(port.get_any_name() for port in model.inputs)
                raise pb_utils.TritonModelException(
                    f"unexpected inference input '{entry['name']}', allowed inputs are: {known}"
                )
        self._execution = BatchedExecution(config)

    @staticmethod
    def _let_batch(model):
        """A model that was exported with a batch of one takes any."""
        shapes = {}
        for port in model.inputs:
            shape = port.get_partial_shape()
            if shape.rank.is_dynamic or len(shape) == 0 or shape[0].is_dynamic:
                return
            shape[0] = -1
            shapes[port] = shape
        model.reshape(shapes)

    def execute(self, requests):
        return self._execution.answer(requests, self._run)

    def _run(self, arrays):
        given = {
            name: _texts(array) if array.dtype == np.object_ else array
            for name, array in without_dimensions(arrays, self._scalars).items()
        }
        self._request.infer(given, share_inputs=True)
        return {
            name: _array(self._request.get_output_tensor(index))
            for name, index in self._outputs.items()
        }


def _texts(array):
    """OpenVINO takes text of one width; with NumPy's own bytes it would lose NULs at the end."""
    texts = [bytes(element).decode("utf-8") for element in array.reshape(-1)]
    return np.array(texts, dtype=np.str_).reshape(array.shape)


def _array(tensor):
    """Copied: the next run writes there."""
    if tensor.get_element_type().get_type_name() != "string":
        return tensor.data.copy()
    texts = [text.encode("utf-8") for text in tensor.str_data.reshape(-1)]
    return np.array(texts, dtype=np.object_).reshape(tuple(tensor.get_shape()))
