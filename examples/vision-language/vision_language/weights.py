"""Finds a model's weights: in a folder, or in the cache of the Hugging Face hub."""

import os
import pathlib

from .errors import LoadError
from .packages import require

#: What transformers reads of a repository: not its weights in formats of other programs.
_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


def weights_folder(settings, inform, with_code=False):
    """
    The folder with `config.json` and the weights. What is not in the hub's cache is downloaded, unless
    HF_HUB_OFFLINE is set. A repository `with_code` is never downloaded here: code of others runs only where
    somebody has put it. Raises LoadError.
    """
    folder = pathlib.Path(settings.model_id)
    if folder.is_absolute():
        if (folder / "config.json").is_file():
            return str(folder)
        raise LoadError(f"parameter 'model_id' names '{folder}', where there is no config.json")
    return _of_hub(settings, inform, with_code)


def _of_hub(settings, inform, with_code):
    hub = require("huggingface_hub")
    constants = require("huggingface_hub.constants")
    cached_only = with_code or constants.HF_HUB_OFFLINE
    if not cached_only:
        inform(f"{settings.name}: looking for {settings.model_id} on the hub; the first time takes long")
    try:
        return hub.snapshot_download(
            settings.model_id,
            revision=settings.revision,
            local_files_only=cached_only,
            allow_patterns=None if cached_only else list(_FILES),
        )
    except Exception as error:
        cache = os.path.abspath(constants.HF_HUB_CACHE)
        how = "" if cached_only else f", and the hub gives none ({type(error).__name__}: {error})"
        raise LoadError(f"there are no weights of {_named(settings)} in {cache}{how}: {_how(settings)}") from None


def incomplete(settings, folder, error):
    """The LoadError for a folder whose files do not make a model."""
    hint = "" if pathlib.Path(settings.model_id).is_absolute() else f"; {_how(settings)}"
    return LoadError(f"the model in {folder} cannot be loaded ({type(error).__name__}: {error}){hint}")


def _named(settings):
    return f"{settings.model_id} (revision {settings.revision})"


def _how(settings):
    return (
        f"run `hf download {settings.model_id} --revision {settings.revision}` as the user that runs the "
        "server, or set HF_HOME to where they are, or the parameter 'model_id' to a folder"
    )
