"""The TensorRT backend: engines (`model.plan`), run by TensorRT's Python API and CUDA's.

Written against the public API of TensorRT 8.6 to 11 and cuda-python; tested beside a stand-in that has it, not on
a GPU yet."""

import numpy as np

import triton_python_backend_utils as pb_utils
from cuda_memory import Buffer, Cuda
from engine_profiles import EngineProfiles
from nereid_worker.bfloat16 import BFloat16Array
from nereid_worker.framework import (
    BatchedExecution,
    model_file,
    parse_config,
    require,
    tensor_entry,
)

_DEFAULT_MODEL = "model.plan"

# TensorRT's names of data types, those of configurations, and those of numpy.
_TYPES = {
    "FLOAT": ("TYPE_FP32", np.float32),
    "HALF": ("TYPE_FP16", np.float16),
    "BF16": ("TYPE_BF16", np.uint16),
    "INT8": ("TYPE_INT8", np.int8),
    "UINT8": ("TYPE_UINT8", np.uint8),
    "INT32": ("TYPE_INT32", np.int32),
    "INT64": ("TYPE_INT64", np.int64),
    "BOOL": ("TYPE_BOOL", np.bool_),
}


class _Tensor:
    """What an engine says of one of its tensors."""

    def __init__(self, trt, engine, name):
        self.name = name
        self.is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        self.shape = tuple(engine.get_tensor_shape(name))
        kind = engine.get_tensor_dtype(name).name
        if kind not in _TYPES:
            raise pb_utils.TritonModelException(f"tensor '{name}' has the type {kind}, which no tensor has")
        if engine.is_shape_inference_io(name):
            raise pb_utils.TritonModelException(
                f"'{name}' is a shape tensor, which this backend does not support"
            )
        self.data_type, self.numpy_type = _TYPES[kind]
        self.is_bf16 = kind == "BF16"


def _tensorrt():
    return require("tensorrt", "tensorrt", "tensorrt")


def _load(config):
    trt = _tensorrt()
    # Plugins of TensorRT's own that the engine may have.
    logger = trt.Logger(trt.Logger.WARNING)
    trt.init_libnvinfer_plugins(logger, "")
    runtime = trt.Runtime(logger)
    with open(model_file(config, _DEFAULT_MODEL), "rb") as file:
        engine = runtime.deserialize_cuda_engine(file.read())
    if engine is None:
        raise pb_utils.TritonModelException(
            f"TensorRT {trt.__version__} cannot read the engine of model '{config['name']}': it is "
            "of another version, or was built for another GPU"
        )
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    return runtime, engine, {name: _Tensor(trt, engine, name) for name in names}


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        config = auto_complete_model_config.as_dict()
        if config["input"] and config["output"]:
            return auto_complete_model_config
        _runtime, engine, tensors = _load(config)
        batched = config["max_batch_size"] > 0
        if not batched and all(tensor.shape[:1] == (-1,) for tensor in tensors.values()):
            first = next(tensor for tensor in tensors.values() if tensor.is_input)
            most = engine.get_tensor_profile_shape(first.name, 0)[2]
            auto_complete_model_config.set_max_batch_size(int(tuple(most)[0]))
            if "sequence_batching" not in config:
                auto_complete_model_config.set_dynamic_batching()
            batched = True
        for kind in ("input", "output"):
            config[kind] = config[kind] or [
                tensor_entry(tensor.name, tensor.data_type, tensor.shape, batched)
                for tensor in tensors.values()
                if tensor.is_input == (kind == "input")
            ]
        return auto_complete_model_config

    def initialize(self, args):
        config = parse_config(args)
        _tensorrt()
        if args["model_instance_kind"] == "CPU":
            raise pb_utils.TritonModelException("TensorRT runs on GPUs: instances must be of KIND_GPU")
        self._cuda = Cuda()
        self._cuda.call("cudaSetDevice", max(0, int(args["model_instance_device_id"])))
        # The engine belongs to its runtime.
        self._runtime, engine, self._tensors = _load(config)
        for kind in ("input", "output"):
            known = [t.name for t in self._tensors.values() if t.is_input == (kind == "input")]
            for entry in config[kind]:
                if entry["name"] not in known:
                    raise pb_utils.TritonModelException(
                        f"unexpected inference {kind} '{entry['name']}', allowed {kind}s are: "
                        f"{', '.join(known)}"
                    )
        self._stream = self._cuda.call("cudaStreamCreate")
        inputs = [tensor.name for tensor in self._tensors.values() if tensor.is_input]
        self._profiles = EngineProfiles(
            engine, config, args["model_instance_name"], inputs, int(self._stream)
        )
        self._buffers = {name: Buffer(self._cuda) for name in self._tensors}
        self._execution = BatchedExecution(config)

    def execute(self, requests):
        return self._execution.answer(requests, self._run)

    def _run(self, arrays):
        cuda = self._cuda
        context = self._profiles.context_for({name: array.shape for name, array in arrays.items()})
        # Kept until the copies are through.
        given = {name: self._given(name, array) for name, array in arrays.items()}
        for name, array in given.items():
            if not context.set_input_shape(name, tuple(array.shape)):
                raise ValueError(f"the engine takes no shape {array.shape} for '{name}'")
            address = self._buffers[name].reserve(max(1, array.nbytes))
            cuda.copy(address, array.ctypes.data, array.nbytes, True, self._stream)
            context.set_tensor_address(name, address)
        outputs = {
            tensor.name: self._make_room(context, tensor)
            for tensor in self._tensors.values()
            if not tensor.is_input
        }
        if not context.execute_async_v3(int(self._stream)):
            raise RuntimeError("the engine could not be executed")
        for name, array in outputs.items():
            source = self._buffers[name].address
            cuda.copy(array.ctypes.data, source, array.nbytes, False, self._stream)
        cuda.call("cudaStreamSynchronize", self._stream)
        return {
            name: array.view(BFloat16Array) if self._tensors[name].is_bf16 else array
            for name, array in outputs.items()
        }

    def _given(self, name, array):
        return np.ascontiguousarray(array, dtype=self._tensors[name].numpy_type)

    def _make_room(self, context, tensor):
        shape = tuple(context.get_tensor_shape(tensor.name))
        if any(size < 0 for size in shape):
            raise ValueError(
                f"the shape of '{tensor.name}' depends on the data, which this backend does not support"
            )
        array = np.empty(shape, dtype=tensor.numpy_type)
        context.set_tensor_address(tensor.name, self._buffers[tensor.name].reserve(max(1, array.nbytes)))
        return array

    def finalize(self):
        for buffer in self._buffers.values():
            buffer.free()
        self._cuda.call("cudaStreamDestroy", self._stream)
