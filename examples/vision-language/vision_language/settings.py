"""Settings of a model: the `parameters` of its config.pbtxt, and what the server says of the instance."""

import dataclasses
import json
import pathlib

from .errors import LoadError

MAX_NEW_TOKENS_MAX = 4096


@dataclasses.dataclass(frozen=True)
class Settings:
    """`model_id`: a repository of the hub, or a folder; a relative one begins with a dot and is of the model's folder."""

    name: str
    model_id: str
    revision: str
    dtype: str
    trust_remote_code: bool
    max_new_tokens: int
    decoupled: bool
    wants_gpu: bool
    device_id: str


def read_settings(args, model_id, revision):
    """Settings from the arguments of `initialize`; `model_id` and `revision` are the defaults. Raises LoadError."""
    config = json.loads(args["model_config"])
    parameters = {
        name: value["string_value"] for name, value in config.get("parameters", {}).items()
    }
    chosen = parameters.get("model_id", model_id)
    if chosen.startswith("."):
        chosen = str(pathlib.Path(args["model_repository"], chosen).resolve())
    policy = config.get("model_transaction_policy", {})
    return Settings(
        name=config["name"],
        model_id=chosen,
        revision=parameters.get("revision", revision),
        dtype=parameters.get("dtype", "auto"),
        trust_remote_code=parameters.get("trust_remote_code", "false") == "true",
        max_new_tokens=_token_limit(parameters.get("max_new_tokens", "256")),
        decoupled=bool(policy.get("decoupled", False)),
        wants_gpu=args["model_instance_kind"] == "GPU",
        device_id=args["model_instance_device_id"],
    )


def _token_limit(text):
    if text.isdecimal() and 1 <= int(text) <= MAX_NEW_TOKENS_MAX:
        return int(text)
    raise LoadError(
        f"parameter 'max_new_tokens' is '{text}', not a number from 1 to {MAX_NEW_TOKENS_MAX}"
    )
