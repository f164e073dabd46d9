"""The PyTorch backend: TorchScript (`model.pt`), and archives of torch.export and AOTInductor (`model.pt2`)."""

import numpy as np

from nereid_worker.bfloat16 import BFloat16Array
from nereid_worker.framework import BatchedExecution, model_file, parameter, parse_config, require
from pt2_archive import Pt2Archive
from torch_script import TorchScript

_DEFAULT_MODEL = "model.pt"
_DEFAULT_ARCHIVE = "model.pt2"


class TritonPythonModel:
    def initialize(self, args):
        config = parse_config(args)
        self._torch = torch = require("torch", "torch", "pytorch")
        gpu = args["model_instance_kind"] == "GPU"
        self._device = torch.device(f"cuda:{args['model_instance_device_id']}" if gpu else "cpu")
        self._set_up_framework(config)
        archive = config.get("platform") == "torch_aoti"
        path = model_file(config, _DEFAULT_ARCHIVE if archive else _DEFAULT_MODEL)
        kind = Pt2Archive if archive or path.endswith(".pt2") else TorchScript
        self._model = kind(torch, path, self._device, config)
        self._no_gradients = (
            torch.no_grad if parameter(config, "INFERENCE_MODE") == "false" else torch.inference_mode
        )
        self._cleans_cache = gpu and parameter(config, "ENABLE_CACHE_CLEANING") == "true"
        self._execution = BatchedExecution(config)

    def _set_up_framework(self, config):
        torch = self._torch
        if parameter(config, "DISABLE_OPTIMIZED_EXECUTION") == "true":
            torch._C._jit_set_profiling_executor(False)
        if parameter(config, "DISABLE_CUDNN") == "true":
            torch.backends.cudnn.enabled = False
        for name, set_threads in (
            ("INTRA_OP_THREAD_COUNT", torch.set_num_threads),
            ("INTER_OP_THREAD_COUNT", torch.set_num_interop_threads),
        ):
            if parameter(config, name) != "":
                set_threads(int(parameter(config, name)))

    def execute(self, requests):
        return self._execution.answer(requests, self._run)

    def _run(self, arrays):
        given = {name: self._given(array) for name, array in arrays.items()}
        with self._no_gradients():
            outputs = self._model.run(given)
        answer = {name: self._array(output) for name, output in outputs.items()}
        if self._cleans_cache:
            self._torch.cuda.empty_cache()
        return answer

    def _given(self, array):
        if array.dtype == np.object_:
            return [bytes(element).decode("utf-8") for element in array.reshape(-1)]
        # PyTorch wants memory that may be written to.
        writable = array if array.flags.writeable else array.copy()
        if isinstance(array, BFloat16Array):
            tensor = self._torch.from_numpy(writable.view(np.int16, np.ndarray))
            tensor = tensor.view(self._torch.bfloat16)
        else:
            tensor = self._torch.from_numpy(writable)
        return tensor.to(self._device)

    def _array(self, output):
        if isinstance(output, list):
            return np.array([element.encode() for element in output], dtype=np.object_)
        if not isinstance(output, self._torch.Tensor):
            raise TypeError(
                f"an output must be a tensor or a list of strings, the model gave {type(output)}"
            )
        tensor = output.detach().contiguous().cpu()
        if tensor.dtype == self._torch.bfloat16:
            return tensor.view(self._torch.int16).numpy().view(np.uint16).view(BFloat16Array)
        return tensor.numpy()
