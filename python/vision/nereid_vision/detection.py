"""What is found in pictures."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle in the pixels of a picture, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: BoundingBox) -> float:
        """What both have in common, as a part of what they cover together: from 0 to 1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if across <= 0 or down <= 0:
            return 0.0
        common = across * down
        return common / (self.width * self.height + other.width * other.height - common)


@dataclass(frozen=True, slots=True)
class Detection:
    """One object that was found."""

    #: The model's own name of the class; ``class_7`` where it has none.
    class_name: str
    class_id: int
    #: From 0 to 1.
    confidence: float
    #: Within the picture as it is looked at, its orientation applied.
    box: BoundingBox

    @property
    def bbox(self) -> BoundingBox:
        """The same as `box`."""
        return self.box


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """What was found in one picture."""

    #: The surest first.
    detections: list[Detection] = field(default_factory=list)
    #: Pixels, orientation applied.
    image_width: int = 0
    image_height: int = 0
    model_name: str = ""
    model_version: str = ""
    #: From sending to the answer, retries included; for the whole request of a batch.
    inference_time_ms: float = 0.0


def detection_agreement(
    one: DetectionResult, other: DetectionResult, iou_min: float = 0.5
) -> float:
    """How far two answers about a picture agree, from 0 to 1: twice the detections that have a counterpart of the same class which
    overlaps by at least `iou_min`, of all detections of both (F1). Two answers without any agree.
    """
    total = len(one.detections) + len(other.detections)
    if total == 0:
        return 1.0
    pairs = [
        (a.box.overlap(b.box), i, j)
        for i, a in enumerate(one.detections)
        for j, b in enumerate(other.detections)
        if a.class_name == b.class_name
    ]
    taken: set[int] = set()
    taken_other: set[int] = set()
    for overlap, i, j in sorted(pairs, reverse=True):
        if overlap <= 0 or overlap < iou_min or i in taken or j in taken_other:
            continue
        taken.add(i)
        taken_other.add(j)
    return 2 * len(taken) / total
