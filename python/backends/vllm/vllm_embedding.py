"""One request for the vector of a text, as the OpenAI endpoint sends it."""

import json

import triton_python_backend_utils as pb_utils
from vllm_io import engine_name, numbers, texts, value_of, wants

_FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL


class Embedding:
    """`embedding_request` is JSON: `input`, a text or token ids, and `pooling_params`, with `dimensions`."""

    def __init__(self, vllm, request):
        self._request = request
        given = json.loads(value_of(request, "embedding_request", b"{}"))
        prompt = given["input"]
        self._prompt = {"prompt_token_ids": prompt} if isinstance(prompt, list) else prompt
        dimensions = (given.get("pooling_params") or {}).get("dimensions")
        if isinstance(dimensions, list):
            dimensions = dimensions[0] if dimensions else None
        options = {} if dimensions is None else {"dimensions": dimensions}
        self._pooling = vllm.PoolingParams(task="embed", **options)
        self._vector_of = vllm.EmbeddingRequestOutput.from_base

    async def run(self, engine, sender):
        name = engine_name(self._request)
        output = None
        async for output in engine.encode(self._prompt, self._pooling, name):
            pass
        if output is None:
            raise ValueError("the engine gave no answer")
        vector = list(self._vector_of(output).outputs.embedding)
        tensors = [texts("text_output", [json.dumps(vector)])]
        if wants(self._request, "num_input_tokens"):
            tensors.append(numbers("num_input_tokens", [len(output.prompt_token_ids)]))
        if wants(self._request, "num_output_tokens"):
            tensors.append(numbers("num_output_tokens", [0]))
        sender.send(pb_utils.InferenceResponse(tensors), flags=_FINAL)
