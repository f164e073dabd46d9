"""The vLLM backend: large language models by vLLM's asynchronous engine; `model.json` in the version's
folder holds the engine's arguments.

Written against vLLM's public API; not tested with a model yet."""

import asyncio
import json
import threading
import uuid

import numpy as np

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import model_file, require

_DEFAULT_MODEL = "model.json"

_INPUTS = (
    {"name": "text_input", "data_type": "TYPE_STRING", "dims": [1]},
    {"name": "stream", "data_type": "TYPE_BOOL", "dims": [1], "optional": True},
    {"name": "sampling_parameters", "data_type": "TYPE_STRING", "dims": [1], "optional": True},
    {"name": "exclude_input_in_output", "data_type": "TYPE_BOOL", "dims": [1], "optional": True},
    {"name": "return_finish_reason", "data_type": "TYPE_BOOL", "dims": [1], "optional": True},
    {"name": "return_num_input_tokens", "data_type": "TYPE_BOOL", "dims": [1], "optional": True},
    {"name": "return_num_output_tokens", "data_type": "TYPE_BOOL", "dims": [1], "optional": True},
    {"name": "return_logprobs", "data_type": "TYPE_BOOL", "dims": [1], "optional": True},
)
_OUTPUTS = (
    {"name": "text_output", "data_type": "TYPE_STRING", "dims": [-1]},
    {"name": "finish_reason", "data_type": "TYPE_STRING", "dims": [-1]},
    {"name": "num_input_tokens", "data_type": "TYPE_UINT32", "dims": [1]},
    {"name": "num_output_tokens", "data_type": "TYPE_UINT32", "dims": [-1]},
    {"name": "logprobs", "data_type": "TYPE_STRING", "dims": [-1]},
)


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        config = auto_complete_model_config.as_dict()
        given = {entry["name"] for entry in [*config["input"], *config["output"]]}
        for entry in _INPUTS:
            if entry["name"] not in given:
                auto_complete_model_config.add_input(dict(entry))
        for entry in _OUTPUTS:
            if entry["name"] not in given:
                auto_complete_model_config.add_output(dict(entry))
        auto_complete_model_config.set_model_transaction_policy({"decoupled": True})
        auto_complete_model_config.set_max_batch_size(0)
        return auto_complete_model_config

    def initialize(self, args):
        vllm = require("vllm", "vllm", "vllm")
        config = json.loads(args["model_config"])
        with open(model_file(config, _DEFAULT_MODEL), encoding="utf-8") as file:
            arguments = json.load(file)
        # Answers' lengths are the metrics' business, not the log's.
        arguments.setdefault("disable_log_stats", True)
        self._sampling_params = vllm.SamplingParams
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        engine_arguments = vllm.AsyncEngineArgs(**arguments)
        self._engine = self._on_loop(self._make_engine(vllm, engine_arguments)).result()

    @staticmethod
    async def _make_engine(vllm, arguments):
        return vllm.AsyncLLMEngine.from_engine_args(arguments)

    def _on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def execute(self, requests):
        # Each answers by itself when it has something to say: this returns at once.
        for request in requests:
            self._on_loop(self._answer(request))

    async def _answer(self, request):
        sender = request.get_response_sender()
        final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        try:
            await self._generate(request, sender)
            sender.send(flags=final)
        except Exception as error:
            text = f"Error generating stream: {error}"
            sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(text)), flags=final)

    async def _generate(self, request, sender):
        prompt = _value(request, "text_input", b"").decode("utf-8")
        stream = bool(_value(request, "stream", False))
        exclude = bool(_value(request, "exclude_input_in_output", stream))
        if stream and not exclude:
            raise ValueError(
                "When streaming, `exclude_input_in_output` = False is not allowed."
            )
        sampling = self._sampling_params(**self._with_format(_sampling(request)))
        name = request.request_id() or uuid.uuid4().hex
        said = {}
        last = None
        async for last in self._engine.generate(prompt, sampling, name):
            if sender.is_cancelled():
                await self._engine.abort(name)
                return
            if stream:
                sender.send(self._response(request, last, "", said))
        if not stream and last is not None:
            sender.send(self._response(request, last, "" if exclude else prompt, {}))

    @staticmethod
    def _with_format(sampling):
        """`structured_outputs` is JSON: a schema, a grammar and the like, by vLLM's names."""
        if "structured_outputs" not in sampling:
            return sampling
        from vllm.sampling_params import StructuredOutputsParams

        given = sampling["structured_outputs"]
        given = json.loads(given) if isinstance(given, str) else given
        return {**sampling, "structured_outputs": StructuredOutputsParams(**given)}

    @staticmethod
    def _response(request, output, prefix, said):
        """What is new since the last one; `said` holds the lengths of the texts and tokens so far."""
        texts, reasons, counts, logprobs = [], [], [], []
        for choice in output.outputs:
            text_length, token_count = said.get(choice.index, (0, 0))
            texts.append((prefix + choice.text[text_length:]).encode("utf-8"))
            reasons.append(str(choice.finish_reason).encode("utf-8"))
            counts.append(len(choice.token_ids) - token_count)
            logprobs.append(_logprobs_json(choice.logprobs, token_count))
            said[choice.index] = (len(choice.text), len(choice.token_ids))
        tensors = [pb_utils.Tensor("text_output", np.array(texts, dtype=np.object_))]
        if _value(request, "return_finish_reason", False):
            tensors.append(pb_utils.Tensor("finish_reason", np.array(reasons, dtype=np.object_)))
        if _value(request, "return_num_input_tokens", False):
            count = len(output.prompt_token_ids or ())
            tensors.append(pb_utils.Tensor("num_input_tokens", np.array([count], dtype=np.uint32)))
        if _value(request, "return_num_output_tokens", False):
            tensors.append(pb_utils.Tensor("num_output_tokens", np.array(counts, dtype=np.uint32)))
        if _value(request, "return_logprobs", False):
            tensors.append(pb_utils.Tensor("logprobs", np.array(logprobs, dtype=np.object_)))
        return pb_utils.InferenceResponse(tensors)

    def finalize(self):
        self._loop.call_soon_threadsafe(self._loop.stop)


def _logprobs_json(logprobs, first):
    """For each token from `first` on an object of its likeliest ones by token id; `null` for none."""
    if logprobs is None:
        return b"null"
    places = [
        {
            str(token): {
                "logprob": entry.logprob,
                "rank": entry.rank,
                "decoded_token": entry.decoded_token,
            }
            for token, entry in place.items()
        }
        for place in logprobs[first:]
    ]
    return json.dumps(places).encode("utf-8")


def _value(request, name, default):
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0]


def _sampling(request):
    """The input `sampling_parameters` (JSON), else the request's own parameters, as the generate endpoints give them."""
    given = _value(request, "sampling_parameters", None)
    if given is not None:
        return json.loads(given)
    parameters = json.loads(request.parameters())
    return {name: value for name, value in parameters.items() if name not in ("id",)}
