"""Object detection on Triton Inference Server and Nereid: pictures in, named boxes out."""

from .calls import BackoffOptions, CircuitOptions, CircuitState, Clock
from .client import ModelStatus, TritonClient, TritonClientOptions
from .coco import COCO_LABELS
from .config import TritonConfig
from .detection import BoundingBox, Detection, DetectionResult, detection_agreement
from .errors import (
    CircuitOpenError,
    ConfigurationError,
    PictureError,
    TritonError,
    UnsupportedModelError,
)
from .heads import HeadOptions, HeadStyle
from .rollout import FallBackOptions, Rollout, RolloutOptions, stable_share

__all__ = [
    "BackoffOptions",
    "BoundingBox",
    "COCO_LABELS",
    "CircuitOpenError",
    "CircuitOptions",
    "CircuitState",
    "Clock",
    "ConfigurationError",
    "Detection",
    "DetectionResult",
    "FallBackOptions",
    "HeadOptions",
    "HeadStyle",
    "ModelStatus",
    "PictureError",
    "Rollout",
    "RolloutOptions",
    "TritonClient",
    "TritonClientOptions",
    "TritonConfig",
    "TritonError",
    "UnsupportedModelError",
    "detection_agreement",
    "stable_share",
]
