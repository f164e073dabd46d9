"""Stands in for CUDA's runtime as cuda-python has it, with the host's memory: each function gives its status first."""

import ctypes
import enum


class cudaError_t(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidValue = 1


class cudaMemcpyKind(enum.IntEnum):
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class cudaStream_t:
    def __int__(self):
        return 7


_OK = cudaError_t.cudaSuccess
memory = {}


def cudaSetDevice(device):
    return (_OK if device == 0 else cudaError_t.cudaErrorInvalidValue,)


def cudaStreamCreate():
    return _OK, cudaStream_t()


def cudaStreamSynchronize(stream):
    assert int(stream) == 7
    return (_OK,)


def cudaStreamDestroy(stream):
    print(f"{len(memory)} buffers are left", flush=True)
    return (_OK,)


def cudaMalloc(size):
    block = ctypes.create_string_buffer(size)
    memory[ctypes.addressof(block)] = block
    return _OK, ctypes.addressof(block)


def cudaFree(address):
    del memory[address]
    return (_OK,)


def cudaMemcpyAsync(target, source, count, kind, stream):
    device = target if kind == cudaMemcpyKind.cudaMemcpyHostToDevice else source
    assert count <= len(memory[device]) and int(stream) == 7
    ctypes.memmove(target, source, count)
    return (_OK,)
