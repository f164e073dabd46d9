"""CUDA's runtime, as far as the TensorRT backend needs it."""

from nereid_worker.framework import require


class Cuda:
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


class Buffer:
    """Memory of the device that grows to the largest demand."""

    def __init__(self, cuda):
        self._cuda = cuda
        self._byte_count = 0
        self.address = 0

    def reserve(self, byte_count):
        if byte_count <= self._byte_count:
            return self.address
        self.free()
        self.address = int(self._cuda.call("cudaMalloc", byte_count))
        self._byte_count = byte_count
        return self.address

    def free(self):
        if self.address != 0:
            self._cuda.call("cudaFree", self.address)
        self.address = 0
        self._byte_count = 0
