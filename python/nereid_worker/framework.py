"""What backends that are written in Python share: `backends/<name>/model.py`."""

import json
import os
import sys

import numpy as np

from . import session
from .bfloat16 import BFloat16Array
from .data_types import BF16
from .errors import TritonError, TritonModelException
from .inference_response import InferenceResponse
from .tensor import Tensor


def require(module, package, backend):
    """Imports a framework. Raises TritonModelException that says what to install, and where."""
    try:
        return __import__(module, fromlist=["_"])
    except ImportError as error:
        raise TritonModelException(
            f"the {backend} backend needs the Python package '{package}' ({error}): install it with "
            f"`{sys.executable} -m pip install {package}`, or name it in a requirements.txt in the "
            "model's folder"
        ) from None


def model_file(config, default):
    """Absolute path of the model's file or folder. Raises TritonModelException where there is none."""
    name = config.get("default_model_filename") or default
    path = os.path.join(session.current().model_directory, name)
    if not os.path.exists(path):
        raise TritonModelException(f"unable to find '{path}' for model '{config['name']}'")
    return path


def parameter(config, name, default=""):
    """A parameter of the configuration, as text."""
    return config.get("parameters", {}).get(name, {}).get("string_value", default)


def parse_config(args):
    return json.loads(args["model_config"])


def tensor_entry(name, data_type, shape, batched):
    """What a completed configuration says of a tensor. Its `dims` are never empty: one that has no dimension but
    that of the batch gets one, which the server takes away again before the model sees it, as in Triton."""
    dims = list(shape[1 if batched else 0 :])
    entry = {"name": name, "data_type": data_type, "dims": dims or [1]}
    return {**entry, "reshape": {"shape": []}} if batched and not dims else entry


def without_dimensions(arrays, names):
    """The arrays, and of these names as scalars: requests have one element for each of them."""
    if not names:
        return arrays
    return {
        name: array.reshape(()) if name in names and array.size == 1 else array
        for name, array in arrays.items()
    }


class BatchedExecution:
    """Answers requests of a model that takes arrays by name: those that fit are executed together."""

    def __init__(self, config):
        self._batches = config["max_batch_size"] > 0
        self._names = [entry["name"] for entry in config["input"]]

    def answer(self, requests, run):
        """One response a request. `run` takes a dict of arrays by input name and gives one of arrays by
        output name; what it raises fails the requests of its call."""
        responses = [None] * len(requests)
        for indices, arrays in self._groups(requests):
            try:
                outputs = run(self._joined(arrays))
                parts = self._split(outputs, arrays)
            except Exception as error:
                parts = [TritonError(f"{type(error).__name__}: {error}")] * len(indices)
            for index, part in zip(indices, parts):
                responses[index] = self._response(part)
        return responses

    def _groups(self, requests):
        groups = {}
        for index, request in enumerate(requests):
            arrays = {tensor.name(): _array_of(tensor) for tensor in request.inputs()}
            # Only rows of the same shape lie in one array.
            key = tuple(
                (name, array.shape[1:], type(array)) for name, array in sorted(arrays.items())
            )
            indices, members = groups.setdefault(key if self._batches else index, ([], []))
            indices.append(index)
            members.append(arrays)
        return groups.values()

    @staticmethod
    def _joined(arrays):
        if len(arrays) == 1:
            return arrays[0]
        return {
            name: np.concatenate([each[name] for each in arrays]).view(type(array))
            for name, array in arrays[0].items()
        }

    @staticmethod
    def _split(outputs, arrays):
        if len(arrays) == 1:
            return [outputs]
        sizes = [len(next(iter(each.values()))) for each in arrays]
        total = sum(sizes)
        for name, array in outputs.items():
            if array.ndim == 0 or len(array) != total:
                raise ValueError(f"output '{name}' has shape {array.shape}, not a batch of {total}")
        ends = np.cumsum(sizes)
        return [
            {name: array[end - size : end] for name, array in outputs.items()}
            for size, end in zip(sizes, ends)
        ]

    @staticmethod
    def _response(part):
        if isinstance(part, TritonError):
            return InferenceResponse(error=part)
        return InferenceResponse([_tensor_of(name, array) for name, array in part.items()])


def _array_of(tensor):
    if tensor.triton_dtype() != BF16:
        return tensor.as_numpy()
    return tensor._bits().view(BFloat16Array)


def _tensor_of(name, array):
    # A scalar goes out as one element: no configuration can have outputs without dimensions.
    array = np.atleast_1d(array)
    if isinstance(array, BFloat16Array):
        return Tensor._of_bf16(name, array)
    return Tensor(name, array)
