"""The inputs and outputs of models of vLLM, as Triton's backend has them."""

import uuid

import numpy as np

import triton_python_backend_utils as pb_utils


def _entry(name, data_type, dims=1):
    return {"name": name, "data_type": f"TYPE_{data_type}", "dims": [dims]}


def _optional(name, data_type, dims=1):
    return {**_entry(name, data_type, dims), "optional": True}


INPUTS = (
    _entry("text_input", "STRING"),
    # Pictures in base64.
    _optional("image", "STRING", -1),
    _optional("stream", "BOOL"),
    _optional("sampling_parameters", "STRING"),
    _optional("exclude_input_in_output", "BOOL"),
    _optional("return_finish_reason", "BOOL"),
    _optional("return_cumulative_logprob", "BOOL"),
    _optional("return_logprobs", "BOOL"),
    _optional("return_num_input_tokens", "BOOL"),
    _optional("return_num_output_tokens", "BOOL"),
    # JSON of an embedding: the OpenAI endpoint's.
    _optional("embedding_request", "STRING"),
)
OUTPUTS = (
    _entry("text_output", "STRING", -1),
    _entry("finish_reason", "STRING", -1),
    _entry("cumulative_logprob", "FP32", -1),
    _entry("logprobs", "STRING", -1),
    _entry("num_input_tokens", "UINT32"),
    _entry("num_output_tokens", "UINT32", -1),
)


def value_of(request, name, default):
    """The first element of an input; `default` where it was left out."""
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0]


def engine_name(request):
    """What the engine calls a request: clients may give the same id to several, the engine refuses that."""
    unique = uuid.uuid4().hex
    given = request.request_id()
    return f"{given}-{unique}" if given else unique


def wants(request, name):
    """Whether one of the outputs that are given on demand is asked for."""
    return bool(value_of(request, f"return_{name}", False))


def texts(name, values):
    encoded = [value.encode("utf-8") for value in values]
    return pb_utils.Tensor(name, np.array(encoded, dtype=np.object_))


def numbers(name, values, numpy_type=np.uint32):
    return pb_utils.Tensor(name, np.array(values, dtype=numpy_type))
