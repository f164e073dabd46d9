"""Reading the answers of detectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import UnsupportedModelError

#: How a model's answer is to be read; ``auto`` tells it by the shape.
HeadStyle = Literal["auto", "end-to-end", "raw"]

#: x1, y1, x2, y2, confidence, class.
_END_TO_END_COLUMNS = 6

#: Middle and size.
_BOX_VALUES = 4

#: Before the choice among them, so that its cost is bounded.
_CANDIDATES_MAX = 30_000


@dataclass(frozen=True, slots=True)
class HeadOptions:
    style: HeadStyle = "auto"
    #: Candidates of a class that overlap by more are one object. For raw heads.
    iou_threshold: float = 0.7
    #: Detections in a picture at most.
    count_max: int = 300


def candidates_of(
    output: NDArray[np.floating], confidence_min: float, options: HeadOptions
) -> list[NDArray[np.float64]]:
    """Reads the answer of a detector for a batch: [N, K, 6] of models that do everything themselves, or [N, 4 + classes, anchors] (and its
    transpose) of those that leave the choice among overlapping rectangles to the caller.

    Gives rows of x1, y1, x2, y2, confidence, class for each picture, of at least `confidence_min`, the surest first.

    Raises UnsupportedModelError for a shape of neither.
    """
    answers = output[np.newaxis] if output.ndim == 2 else output
    style = _style_of(answers.shape, options.style)
    if style is None:
        raise UnsupportedModelError(
            f"an output of shape {list(output.shape)} is none of a detector: "
            "[N, K, 6] or [N, 4 + classes, anchors] is expected"
        )
    found = []
    for answer in answers.astype(np.float64):
        rows = answer if style == "end-to-end" else _rows_of_raw_head(answer)
        rows = rows[(rows[:, 4] > 0) & (rows[:, 4] >= confidence_min)]
        rows = rows[np.argsort(-rows[:, 4], kind="stable")]
        if style == "raw":
            rows = non_maximum_suppression(rows[:_CANDIDATES_MAX], options)
        found.append(rows[: options.count_max])
    return found


def _style_of(shape: tuple[int, ...], style: HeadStyle) -> str | None:
    if len(shape) != 3 or 0 in shape:
        return None
    _, rows, columns = shape
    if style == "end-to-end" or (style == "auto" and columns == _END_TO_END_COLUMNS):
        return "end-to-end" if columns == _END_TO_END_COLUMNS else None
    # A raw head has at least one class: five values for each of its many anchors.
    return "raw" if style == "raw" or min(rows, columns) > _BOX_VALUES else None


def _rows_of_raw_head(answer: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reads middle x, middle y, width, height and a score for each class, of every anchor."""
    # Anchors are many, classes few: the shorter side holds the values of an anchor.
    anchors = answer.T if answer.shape[1] >= answer.shape[0] else answer
    middle, size = anchors[:, 0:2], anchors[:, 2:4]
    scores = np.nan_to_num(anchors[:, _BOX_VALUES:])
    classes = scores.argmax(axis=1)
    confidence = scores[np.arange(len(scores)), classes]
    return np.column_stack([middle - size / 2, middle + size / 2, confidence, classes])


def non_maximum_suppression(
    rows: NDArray[np.float64], options: HeadOptions
) -> NDArray[np.float64]:
    """Keeps the surest of those rows of a class that overlap by more than the threshold. The rows come with the surest first."""
    kept: list[int] = []
    left = np.arange(len(rows))
    areas = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
    while len(left) > 0 and len(kept) < options.count_max:
        first, others = left[0], left[1:]
        kept.append(int(first))
        across = np.minimum(rows[first, 2], rows[others, 2]) - np.maximum(
            rows[first, 0], rows[others, 0]
        )
        down = np.minimum(rows[first, 3], rows[others, 3]) - np.maximum(
            rows[first, 1], rows[others, 1]
        )
        common = np.clip(across, 0, None) * np.clip(down, 0, None)
        union = areas[first] + areas[others] - common
        overlap = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
        same = rows[others, 5] == rows[first, 5]
        left = others[~(same & (overlap > options.iou_threshold))]
    return rows[kept]
