"""What the models of `triton_models` share: each `model.py` says how its model is loaded and asked, this the rest."""

from .answer import Answer
from .model import VisionLanguageModel

__all__ = ["Answer", "VisionLanguageModel"]
