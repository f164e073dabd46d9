"""Stands in for vLLM, which needs a GPU: the classes that its backend uses, with the names, arguments and defaults
of vLLM 0.33. The model says the words of its prompt again."""

import asyncio
import dataclasses
from typing import Any, Optional

from .outputs import (
    CompletionOutput,
    EmbeddingRequestOutput,
    Logprob,
    PoolingOutput,
    PoolingRequestOutput,
    RequestOutput,
)
from .sampling_params import RequestOutputKind, SamplingParams

__all__ = [
    "AsyncEngineArgs",
    "AsyncLLMEngine",
    "EmbeddingRequestOutput",
    "PoolingParams",
    "SamplingParams",
]


@dataclasses.dataclass
class AsyncEngineArgs:
    model: str
    runner: str = "auto"
    gpu_memory_utilization: float = 0.92
    enforce_eager: bool = False
    enable_lora: bool = False
    disable_log_stats: bool = False
    enable_log_requests: bool = False
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1


@dataclasses.dataclass
class PoolingParams:
    use_activation: Optional[bool] = None
    dimensions: Optional[int] = None
    task: Optional[str] = None


class AsyncLLMEngine:
    def __init__(self, engine_args):
        # The real one starts a task that hands answers out.
        asyncio.get_running_loop()
        if engine_args.model == "missing":
            raise OSError("missing is no model")
        self._args = engine_args
        self._running = set()
        self._broken = False

    @classmethod
    def from_engine_args(
        cls, engine_args, start_engine_loop=True, usage_context=None, stat_loggers=None
    ):
        assert isinstance(engine_args, AsyncEngineArgs)
        return cls(engine_args)

    async def get_supported_tasks(self):
        return ("embed",) if self._args.runner == "pooling" else ("generate",)

    async def check_health(self):
        if self._broken:
            raise RuntimeError("EngineDeadError")

    async def generate(
        self,
        prompt,
        sampling_params,
        request_id,
        *,
        prompt_text: Optional[str] = None,
        lora_request: Any = None,
        priority: int = 0,
    ):
        assert isinstance(sampling_params, SamplingParams) and request_id
        pictures = ()
        if isinstance(prompt, dict):
            pictures = prompt["multi_modal_data"]["image"]
            prompt = prompt["prompt"]
        words = prompt.split()
        if lora_request is not None:
            words = [lora_request.lora_name, str(lora_request.lora_int_id), lora_request.lora_path]
        words += [f"{picture.mode}{picture.size}" for picture in pictures]
        if words == ["break"]:
            self._broken = True
        if request_id in self._running:
            raise ValueError(f"Request id {request_id} already running.")
        self._running.add(request_id)
        try:
            async for output in self._outputs(prompt, words, sampling_params, request_id):
                yield output
        except (asyncio.CancelledError, GeneratorExit):
            print(f"aborted {request_id}", flush=True)
            raise
        finally:
            self._running.discard(request_id)

    async def _outputs(self, prompt, words, params, request_id):
        if words == ["wait"]:
            print(f"waiting: {request_id}", flush=True)
            await asyncio.Event().wait()
        if params.structured_outputs is not None:
            words = [f"structured:{params.structured_outputs.choice}"]
        count = min(len(words), params.max_tokens or len(words))
        tokens = list(range(len(prompt.split())))
        ends = []
        for length in range(1, count + 1):
            await asyncio.sleep(0)
            last = length == count
            for index in range(params.n):
                choice = _choice(index, words[:length], params, "length" if last else None)
                if params.output_kind == RequestOutputKind.FINAL_ONLY:
                    if last:
                        ends.append(choice)
                    continue
                finished = last and index == params.n - 1
                # Each comes by itself, as in vLLM.
                yield RequestOutput(request_id, prompt, tokens, None, [choice], finished)
        if ends:
            yield RequestOutput(request_id, prompt, tokens, None, ends, True)

    async def encode(self, prompt, pooling_params, request_id, lora_request=None):
        assert pooling_params.task == "embed"
        tokens = prompt["prompt_token_ids"] if isinstance(prompt, dict) else prompt.split()
        values = [float(len(tokens)), 0.5, -1.0][: pooling_params.dimensions]
        yield PoolingRequestOutput(request_id, PoolingOutput(values), list(tokens), 0, True)

    def shutdown(self, timeout=None):
        print("the engine is shut down", flush=True)


def _choice(index, words, params, finish_reason):
    logprobs = None
    if params.logprobs is not None:
        logprobs = [{len(word): Logprob(-0.5, 1, word)} for word in words]
    text = "".join(f" {word}" for word in words)
    return CompletionOutput(
        index,
        text + "!" * index,
        list(range(len(words))),
        -0.5 * len(words),
        logprobs,
        finish_reason=finish_reason,
    )
