"""One request that generates text."""

import base64
import io
import json
import types
import typing

import numpy as np

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import require
from vllm_io import engine_name, numbers, texts, value_of, wants

_FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
_CONVERTED = (bool, int, float)


class Generation:
    def __init__(self, vllm, loras, request):
        self._vllm = vllm
        self._request = request
        self._text = value_of(request, "text_input", b"").decode("utf-8")
        self._stream = bool(value_of(request, "stream", False))
        exclude = bool(value_of(request, "exclude_input_in_output", self._stream))
        if self._stream and not exclude:
            raise ValueError("When streaming, `exclude_input_in_output` = False is not allowed.")
        self._prefix = "" if exclude else self._text
        given = sampling_of(request)
        self._lora = self._lora_request(loras, given.pop("lora_name", None))
        self._sampling = vllm.SamplingParams(**self._typed(given))
        if not self._stream:
            # One answer with all choices, instead of one for each token of one of them.
            kinds = type(self._sampling.output_kind)
            self._sampling.output_kind = kinds.FINAL_ONLY
        # Lengths of text, tokens and logprobs that were sent, by choice.
        self._said = {}

    async def run(self, engine, sender):
        options = {} if self._lora is None else {"lora_request": self._lora}
        name = engine_name(self._request)
        output = None
        async for output in engine.generate(self._prompt(), self._sampling, name, **options):
            if self._stream:
                sender.send(self._response(output, ""), flags=_FINAL if output.finished else 0)
        if output is None:
            raise ValueError("the engine gave no answer")
        if not self._stream:
            sender.send(self._response(output, self._prefix), flags=_FINAL)
        elif not output.finished:
            sender.send(flags=_FINAL)

    def _prompt(self):
        tensor = pb_utils.get_input_tensor_by_name(self._request, "image")
        if tensor is None or tensor.as_numpy().size == 0:
            return self._text
        image = require("PIL.Image", "pillow", "vllm")
        pictures = [
            image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
            for encoded in tensor.as_numpy().reshape(-1)
        ]
        return {"prompt": self._text, "multi_modal_data": {"image": pictures}}

    @staticmethod
    def _lora_request(loras, name):
        if name is None:
            return None
        if loras is None:
            raise ValueError("LoRA feature is not enabled.")
        if name not in loras:
            raise ValueError(
                f"LoRA {name} is not supported, we currently support {list(loras)}"
            )
        from vllm.lora.request import LoRARequest

        # Numbers tell the engine's adapters apart, and start at 1.
        number = list(loras).index(name) + 1
        return LoRARequest(name, number, loras[name])

    def _typed(self, given):
        """Values that came as text where the engine wants numbers; and how the answer is to be built."""
        hints = getattr(self._vllm.SamplingParams, "__annotations__", {})
        typed = {name: _converted(value, hints.get(name)) for name, value in given.items()}
        structure = typed.get("structured_outputs")
        if structure is not None:
            from vllm.sampling_params import StructuredOutputsParams

            structure = json.loads(structure) if isinstance(structure, str) else structure
            typed["structured_outputs"] = StructuredOutputsParams(**structure)
        return typed

    def _response(self, output, prefix):
        """What is new since the last one."""
        new = [self._news(choice) for choice in output.outputs]
        tensors = [texts("text_output", [prefix + text for text, _count, _logprobs in new])]
        request = self._request
        if wants(request, "finish_reason"):
            reasons = [str(choice.finish_reason) for choice in output.outputs]
            tensors.append(texts("finish_reason", reasons))
        if wants(request, "cumulative_logprob"):
            sums = [choice.cumulative_logprob for choice in output.outputs]
            tensors.append(numbers("cumulative_logprob", sums, np.float32))
        if wants(request, "logprobs"):
            tensors.append(texts("logprobs", [logprobs for _text, _count, logprobs in new]))
        if wants(request, "num_input_tokens"):
            tensors.append(numbers("num_input_tokens", [len(output.prompt_token_ids or ())]))
        if wants(request, "num_output_tokens"):
            tensors.append(numbers("num_output_tokens", [count for _text, count, _logprobs in new]))
        return pb_utils.InferenceResponse(tensors)

    def _news(self, choice):
        text, tokens, places = self._said.get(choice.index, (0, 0, 0))
        logprobs = choice.logprobs
        self._said[choice.index] = (
            len(choice.text),
            len(choice.token_ids),
            0 if logprobs is None else len(logprobs),
        )
        new = "null" if logprobs is None else _logprobs_json(logprobs[places:])
        return choice.text[text:], len(choice.token_ids) - tokens, new


def sampling_of(request):
    """The input `sampling_parameters` (JSON), else the request's own parameters, as the generate endpoints give them."""
    given = value_of(request, "sampling_parameters", None)
    if given is not None:
        return json.loads(given)
    parameters = json.loads(request.parameters())
    parameters.pop("id", None)
    return parameters


def _converted(value, hint):
    if not isinstance(value, str):
        return value
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    kinds = typing.get_args(hint) if union else (hint,)
    kind = next((kind for kind in _CONVERTED if kind in kinds), None)
    if kind is None or str in kinds:
        return value
    return value.lower() == "true" if kind is bool else kind(value)


def _logprobs_json(places):
    """For each token an object of its likeliest ones by token id."""
    return json.dumps(
        [
            {
                str(token): {
                    "logprob": entry.logprob,
                    "rank": entry.rank,
                    "decoded_token": entry.decoded_token,
                }
                for token, entry in place.items()
            }
            for place in places
        ]
    )
