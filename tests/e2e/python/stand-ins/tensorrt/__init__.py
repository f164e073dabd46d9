"""Stands in for TensorRT, which needs a GPU: the classes that its backend uses, with the names of TensorRT 8.6 to 11.
An engine is JSON: its tensors and profiles. It gives its first input, doubled, in each output."""

import enum
import json

import numpy as np

from cuda.bindings.runtime import memory

__version__ = "11.4.0"


class DataType(enum.IntEnum):
    FLOAT = 0
    HALF = 1
    INT8 = 2
    INT32 = 3
    BOOL = 4
    UINT8 = 5
    FP8 = 6
    BF16 = 7
    INT64 = 8


_NUMPY = {"FLOAT": np.float32, "HALF": np.float16, "INT32": np.int32, "BF16": np.uint16}


class TensorIOMode(enum.IntEnum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class Logger:
    WARNING = 2

    def __init__(self, min_severity=WARNING):
        pass


def init_libnvinfer_plugins(logger, namespace):
    assert isinstance(logger, Logger) and namespace == ""
    return True


class Runtime:
    def __init__(self, logger):
        assert isinstance(logger, Logger)

    def deserialize_cuda_engine(self, serialized_engine):
        try:
            return ICudaEngine(json.loads(serialized_engine))
        except ValueError:
            return None


class ICudaEngine:
    def __init__(self, description):
        self._tensors = description["tensors"]
        self._profiles = description["profiles"]
        self.num_io_tensors = len(self._tensors)
        self.num_optimization_profiles = len(self._profiles)

    def get_tensor_name(self, index):
        return list(self._tensors)[index]

    def get_tensor_mode(self, name):
        return TensorIOMode[self._tensors[name]["mode"]]

    def get_tensor_dtype(self, name):
        return DataType[self._tensors[name]["type"]]

    def get_tensor_shape(self, name):
        return tuple(self._tensors[name]["shape"])

    def is_shape_inference_io(self, name):
        return self._tensors[name].get("isShape", False)

    def get_tensor_profile_shape(self, name, profile_index):
        assert self.get_tensor_mode(name) == TensorIOMode.INPUT
        return [tuple(shape) for shape in self._profiles[profile_index][name]]

    def create_execution_context(self):
        return IExecutionContext(self)


class IExecutionContext:
    def __init__(self, engine):
        self._engine = engine
        self._profile = None
        self._shapes = {}
        self._addresses = {}

    def set_optimization_profile_async(self, profile_index, stream_handle):
        assert stream_handle == 7
        self._profile = profile_index
        return True

    def set_input_shape(self, name, shape):
        least, _best, most = self._engine.get_tensor_profile_shape(name, self._profile)
        self._shapes[name] = shape
        return all(low <= size <= high for low, size, high in zip(least, shape, most))

    def set_tensor_address(self, name, memory):
        self._addresses[name] = memory
        return True

    def get_tensor_shape(self, name):
        if name in self._shapes:
            return self._shapes[name]
        first = next(iter(self._shapes.values()))
        own = self._engine.get_tensor_shape(name)
        return tuple(given if size == -1 else size for given, size in zip(first, own))

    def execute_async_v3(self, stream_handle):
        assert stream_handle == 7
        print(f"profile {self._profile}", flush=True)
        engine = self._engine
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        source = self._array(names[0])
        for name in names:
            if engine.get_tensor_mode(name) == TensorIOMode.OUTPUT:
                self._array(name)[...] = source * 2 if source.dtype != np.uint16 else source
        return True

    def _array(self, name):
        shape = self.get_tensor_shape(name)
        kind = _NUMPY[self._engine.get_tensor_dtype(name).name]
        block = memory[self._addresses[name]]
        return np.frombuffer(block, kind, count=int(np.prod(shape))).reshape(shape)
