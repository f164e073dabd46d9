import dataclasses
from typing import Any, Optional


@dataclasses.dataclass
class Logprob:
    logprob: float
    rank: Optional[int] = None
    decoded_token: Optional[str] = None


@dataclasses.dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: Any
    cumulative_logprob: Optional[float]
    logprobs: Any
    routed_experts: Any = None
    finish_reason: Optional[str] = None
    stop_reason: Any = None
    lora_request: Any = None


@dataclasses.dataclass
class RequestOutput:
    request_id: str
    prompt: Optional[str]
    prompt_token_ids: Optional[list]
    prompt_logprobs: Any
    outputs: list
    finished: bool


@dataclasses.dataclass
class PoolingOutput:
    data: Any


@dataclasses.dataclass
class PoolingRequestOutput:
    request_id: str
    outputs: Any
    prompt_token_ids: list
    num_cached_tokens: int
    finished: bool


@dataclasses.dataclass
class EmbeddingOutput:
    embedding: list


class EmbeddingRequestOutput(PoolingRequestOutput):
    @staticmethod
    def from_base(request_output):
        return EmbeddingRequestOutput(
            request_output.request_id,
            EmbeddingOutput(request_output.outputs.data),
            request_output.prompt_token_ids,
            request_output.num_cached_tokens,
            request_output.finished,
        )
