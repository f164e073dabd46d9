"""Packages that a model needs. They are imported when it is loaded, so that a missing one is said clearly."""

import importlib
import os
import sys

from .errors import LoadError

_PIP_NAMES = {"PIL": "pillow", "huggingface_hub": "transformers"}


def require(module):
    """Imports a module. Raises LoadError that says which package is missing, for which Python."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = _PIP_NAMES.get(module.partition(".")[0], module.partition(".")[0])
        models = os.path.join(os.path.dirname(os.path.dirname(__file__)), "triton_models")
        raise LoadError(
            f"the Python package '{package}' is missing ({error}): run `{sys.executable} -m pip install "
            f"-r {models}/MODEL/requirements.txt`, or name another Python with "
            "--backend-config=python,python-runtime=PATH"
        ) from None
