"""What a request asks."""

import dataclasses
import json

from .errors import RequestError
from .image import decode_image
from .settings import MAX_NEW_TOKENS_MAX

PROMPT_BYTES_MAX = 65536


@dataclasses.dataclass(frozen=True)
class Question:
    """`image` is a PIL picture. `temperature` 0: the likeliest word each time."""

    image: object
    prompt: str
    max_new_tokens: int
    temperature: float
    top_p: float


def read_question(pb_utils, request, settings):
    """The question of a request: its inputs, and of its parameters `max_tokens`, `temperature`, `top_p`. Raises RequestError."""
    image = _input(pb_utils, request, "image")
    prompt = _input(pb_utils, request, "prompt").reshape(-1)
    if prompt.size != 1:
        raise RequestError(f"input 'prompt' has {prompt.size} elements, not one")
    parameters = _parameters(request)
    limit = settings.max_new_tokens
    return Question(
        image=decode_image(image.tobytes()),
        prompt=_text(prompt[0]),
        max_new_tokens=int(_number(parameters, "max_tokens", limit, 1, MAX_NEW_TOKENS_MAX)),
        temperature=_number(parameters, "temperature", 0.0, 0, 2),
        top_p=_number(parameters, "top_p", 1.0, 0, 1),
    )


def _input(pb_utils, request, name):
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    if tensor is None:
        raise RequestError(f"input '{name}' is missing")
    return tensor.as_numpy()


def _text(prompt):
    data = prompt if isinstance(prompt, bytes) else str(prompt).encode()
    if len(data) > PROMPT_BYTES_MAX:
        raise RequestError(f"input 'prompt' has {len(data)} bytes, more than {PROMPT_BYTES_MAX}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"input 'prompt' is not UTF-8: {error}") from error


def _parameters(request):
    return json.loads(request.parameters() or "{}")


def _number(parameters, name, default, least, most):
    value = parameters.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = None
    if number is None or not least <= number <= most:
        raise RequestError(f"parameter '{name}' is {value!r}, not a number from {least} to {most}")
    return number
