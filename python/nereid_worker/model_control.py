"""Loading, unloading and asking for models from within a model."""

import base64

from . import session
from .errors import TritonModelException
from .text import text_of


def load_model(model_name, config="", files=None):
    """Loads a model, with this configuration (JSON) and these files (path to bytes) if given."""
    name = text_of(model_name, "load_model(): model_name")
    if files is not None and not isinstance(files, dict):
        raise TritonModelException(
            f"failed to load model '{name}', files should be a dictionary of file paths and "
            "file contents"
        )
    encoded = [
        [text_of(path, "load_model(): path"), _base64(content)]
        for path, content in (files or {}).items()
    ]
    config_text = text_of(config, "load_model(): config")
    _ask("Failed to load model: ", kind="load", model=name, config=config_text, files=encoded)


def unload_model(model_name, unload_dependents=False):
    """Asks for a model to be unloaded; with `unload_dependents` the models it is made of, too."""
    _ask(
        "Failed to unload model: ",
        kind="unload",
        model=text_of(model_name, "unload_model(): model_name"),
        dependents=bool(unload_dependents),
    )


def is_model_ready(model_name, model_version=""):
    """Whether the model, or this version of it, answers requests."""
    answer = _ask(
        "Failed to check model readiness: ",
        kind="ready",
        model=text_of(model_name, "is_model_ready(): model_name"),
        version=text_of(model_version, "is_model_ready(): model_version"),
    )
    return bool(answer["ready"])


def _base64(content):
    return base64.b64encode(content if isinstance(content, bytes) else content.encode()).decode()


def _ask(prefix, **message):
    try:
        return session.current().ask(message)[0]
    except TritonModelException as error:
        raise TritonModelException(prefix + str(error)) from None
