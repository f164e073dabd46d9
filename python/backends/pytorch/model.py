"""The PyTorch backend: TorchScript models (`model.pt`)."""

import re

import numpy as np

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import BatchedExecution, model_file, parameter, parse_config, require

_DEFAULT_MODEL = "model.pt"
_INDEXED = re.compile(r"^.+__(\d+)$")


class TritonPythonModel:
    def initialize(self, args):
        config = parse_config(args)
        if config.get("platform") == "torch_aoti":
            raise pb_utils.TritonModelException(
                "AOTInductor models (model.pt2) are not supported by this backend: export the model "
                "as TorchScript"
            )
        self._torch = torch = require("torch", "torch", "pytorch")
        gpu = args["model_instance_kind"] == "GPU"
        self._device = torch.device(f"cuda:{args['model_instance_device_id']}" if gpu else "cpu")
        path = model_file(config, _DEFAULT_MODEL)
        self._model = torch.jit.load(path, map_location=self._device).eval()
        if parameter(config, "DISABLE_OPTIMIZED_EXECUTION") == "true":
            torch._C._jit_set_profiling_executor(False)
        for name, set_threads in (
            ("INTRA_OP_THREAD_COUNT", torch.set_num_threads),
            ("INTER_OP_THREAD_COUNT", torch.set_num_interop_threads),
        ):
            if parameter(config, name) != "":
                set_threads(int(parameter(config, name)))
        self._no_gradients = (
            torch.no_grad if parameter(config, "INFERENCE_MODE") == "false" else torch.inference_mode
        )
        self._inputs = self._input_order(config)
        self._output_names = [entry["name"] for entry in config["output"]]
        self._execution = BatchedExecution(config)

    def _input_order(self, config):
        """The inputs' names in the order of `forward`: those are its arguments', or end in `__<index>`."""
        names = [entry["name"] for entry in config["input"]]
        arguments = [argument.name for argument in self._model.forward.schema.arguments][1:]
        if all(name in arguments for name in names):
            return sorted(names, key=arguments.index)
        places = {}
        for name in names:
            match = _INDEXED.match(name)
            if match is None or int(match.group(1)) >= len(arguments):
                raise pb_utils.TritonModelException(
                    f"input '{name}' of model '{config['name']}' is no argument of forward "
                    f"({', '.join(arguments)}) and does not end in '__<index>' of one"
                )
            places[name] = int(match.group(1))
        return sorted(names, key=places.get)

    def execute(self, requests):
        return self._execution.answer(requests, self._run)

    def _run(self, arrays):
        given = [self._tensor(arrays[name]) for name in self._inputs if name in arrays]
        with self._no_gradients():
            outputs = self._model(*given)
        if isinstance(outputs, dict):
            return {name: self._array(outputs[name]) for name in self._output_names}
        if not isinstance(outputs, (tuple, list)):
            outputs = [outputs]
        elif outputs and isinstance(outputs[0], str):
            outputs = [outputs]
        return {
            name: self._array(outputs[self._output_index(name, place, len(outputs))])
            for place, name in enumerate(self._output_names)
        }

    @staticmethod
    def _output_index(name, place, count):
        match = _INDEXED.match(name)
        index = place if match is None else int(match.group(1))
        if index >= count:
            raise ValueError(f"the model gave {count} outputs, none for '{name}'")
        return index

    def _tensor(self, array):
        if array.dtype == np.object_:
            return [bytes(element).decode("utf-8") for element in array.reshape(-1)]
        # PyTorch wants memory that may be written to.
        writable = array if array.flags.writeable else array.copy()
        return self._torch.from_numpy(writable).to(self._device)

    @staticmethod
    def _array(output):
        if isinstance(output, list):
            return np.array([element.encode() for element in output], dtype=np.object_)
        return output.detach().contiguous().cpu().numpy()
