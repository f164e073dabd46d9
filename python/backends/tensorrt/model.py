"""The TensorRT backend: engines (`model.plan`), run by TensorRT's Python API and CUDA's.

Written against the public API of TensorRT 10 and cuda-python 12; not tested on a GPU yet."""

import numpy as np

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import BatchedExecution, model_file, parse_config, require

_DEFAULT_MODEL = "model.plan"


class _Cuda:
    """CUDA's runtime, its status codes as exceptions."""

    def __init__(self):
        self._runtime = require("cuda.bindings.runtime", "cuda-python", "tensorrt")

    def call(self, name, *arguments):
        status, *values = getattr(self._runtime, name)(*arguments)
        if int(status) != 0:
            raise RuntimeError(f"{name} failed: {status}")
        return values[0] if values else None

    def copy(self, target, source, byte_count, to_device, stream):
        kinds = self._runtime.cudaMemcpyKind
        kind = kinds.cudaMemcpyHostToDevice if to_device else kinds.cudaMemcpyDeviceToHost
        self.call("cudaMemcpyAsync", target, source, byte_count, kind, stream)


class _Buffer:
    """Memory of the device that grows to the largest demand."""

    def __init__(self, cuda):
        self._cuda = cuda
        self._byte_count = 0
        self.address = 0

    def reserve(self, byte_count):
        if byte_count <= self._byte_count:
            return self.address
        self.free()
        self.address = self._cuda.call("cudaMalloc", byte_count)
        self._byte_count = byte_count
        return self.address

    def free(self):
        if self.address != 0:
            self._cuda.call("cudaFree", self.address)
        self.address = 0
        self._byte_count = 0


class TritonPythonModel:
    def initialize(self, args):
        config = parse_config(args)
        self._trt = trt = require("tensorrt", "tensorrt", "tensorrt")
        self._cuda = _Cuda()
        self._cuda.call("cudaSetDevice", int(args["model_instance_device_id"]))
        with open(model_file(config, _DEFAULT_MODEL), "rb") as file:
            self._runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
            self._engine = self._runtime.deserialize_cuda_engine(file.read())
        if self._engine is None:
            raise pb_utils.TritonModelException(
                f"TensorRT {trt.__version__} cannot read the engine of model '{config['name']}': it is "
                "of another version, or was built for another GPU"
            )
        self._context = self._engine.create_execution_context()
        self._stream = self._cuda.call("cudaStreamCreate")
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        for kind in ("input", "output"):
            for entry in config[kind]:
                if entry["name"] not in names:
                    raise pb_utils.TritonModelException(
                        f"unexpected inference {kind} '{entry['name']}', the engine has: {names}"
                    )
        self._buffers = {name: _Buffer(self._cuda) for name in names}
        self._outputs = [
            name
            for name in names
            if self._engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT
        ]
        self._execution = BatchedExecution(config)

    def execute(self, requests):
        return self._execution.answer(requests, self._run)

    def _run(self, arrays):
        cuda, context = self._cuda, self._context
        kept = []
        for name, array in arrays.items():
            wanted = self._trt.nptype(self._engine.get_tensor_dtype(name))
            array = np.ascontiguousarray(array, dtype=wanted)
            kept.append(array)
            if not context.set_input_shape(name, tuple(array.shape)):
                raise ValueError(f"the engine takes no shape {array.shape} for '{name}'")
            address = self._buffers[name].reserve(max(1, array.nbytes))
            cuda.copy(address, array.ctypes.data, array.nbytes, True, self._stream)
            context.set_tensor_address(name, int(address))
        outputs = {}
        for name in self._outputs:
            dtype = self._trt.nptype(self._engine.get_tensor_dtype(name))
            outputs[name] = np.empty(tuple(context.get_tensor_shape(name)), dtype=dtype)
            address = self._buffers[name].reserve(max(1, outputs[name].nbytes))
            context.set_tensor_address(name, int(address))
        if not context.execute_async_v3(int(self._stream)):
            raise RuntimeError("the engine could not be executed")
        for name, array in outputs.items():
            source = self._buffers[name].address
            cuda.copy(array.ctypes.data, source, array.nbytes, False, self._stream)
        cuda.call("cudaStreamSynchronize", self._stream)
        return outputs

    def finalize(self):
        for buffer in self._buffers.values():
            buffer.free()
        self._cuda.call("cudaStreamDestroy", self._stream)
