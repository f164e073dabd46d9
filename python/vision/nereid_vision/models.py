"""What is to be known of a model before pictures can be sent to it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import TritonError, UnsupportedModelError
from .pictures import PADDING_LEVEL, Letterbox, Size
from .servers import Server

#: In a batch, for a model whose first dimension varies although it names no greatest batch.
_OPEN_BATCH_MAX = 8

#: More elements than that no server classifies.
_CLASS_COUNT_MAX = 1_000_000

#: Answers up to this size are asked for as a whole.
_SMALL_ANSWER_MAX = 100_000

#: Values of an anchor that are no scores.
_BOX_VALUES = 4

_PICTURE_TYPES = {"FP32": np.float32, "FP16": np.float16, "UINT8": np.uint8}
_ANSWER_TYPES = ("FP32", "FP16", "BF16", "FP64")

#: Sends a request to the server, again where that may help; it is told the seconds that it has. The text is for the log.
Ask = Callable[[str, Callable[[Server, float], Awaitable[Any]]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class DetectorModel:
    """A model, as far as pictures are concerned."""

    name: str
    input_name: str
    datatype: str
    #: Colours in planes of their own, not side by side.
    planar: bool
    size: Size
    #: Pictures in one request at most.
    batch_max: int
    #: The model takes no fewer: the rest of a batch is filled up.
    batch_fixed: bool
    output_name: str
    #: -1 for a size that varies.
    output_shape: tuple[int, ...]
    #: Whether the output has names for its classes, which the server knows.
    has_labels: bool

    def input_of(self, pictures: Sequence[tuple[Letterbox, NDArray[np.uint8]]]) -> NDArray[Any]:
        """The tensor of a batch: [N, 3, height, width] or [N, height, width, 3]. What is no picture is grey."""
        count = self.batch_max if self.batch_fixed else len(pictures)
        width, height = self.size
        levels = np.full((count, height, width, 3), PADDING_LEVEL, np.uint8)
        for i, (letterbox, rgb) in enumerate(pictures):
            bottom, right = letterbox.top + rgb.shape[0], letterbox.left + rgb.shape[1]
            levels[i, letterbox.top : bottom, letterbox.left : right] = rgb
        arranged = np.ascontiguousarray(levels.transpose(0, 3, 1, 2)) if self.planar else levels
        if self.datatype == "UINT8":
            return arranged
        scaled = arranged.astype(np.float32) / np.float32(255)
        return scaled.astype(_PICTURE_TYPES[self.datatype], copy=False)


async def describe_detector(name: str, ask: Ask, open_size: Size) -> DetectorModel:
    """Asks the server for a model's inputs and outputs, so that the same code serves an ONNX model here and a TensorRT plan there.

    Raises UnsupportedModelError for a model that takes no picture, or gives no detections.
    """
    metadata = await ask(
        f"metadata of {name}", lambda server, timeout: server.model_metadata(name, timeout)
    )
    config = await ask(
        f"configuration of {name}", lambda server, timeout: server.model_config(name, timeout)
    )
    given = _picture_input(name, metadata.get("inputs", []))
    output = _answer_output(name, metadata.get("outputs", []))
    planar, size = _layout(name, given, open_size)
    max_batch_size = int(config.get("max_batch_size", 0))
    first = int(given["shape"][0])
    batch_max = max_batch_size if max_batch_size > 0 else first if first > 0 else _OPEN_BATCH_MAX
    labels = {each.get("name"): each.get("label_filename") for each in config.get("output", [])}
    return DetectorModel(
        name=name,
        input_name=given["name"],
        datatype=given["datatype"],
        planar=planar,
        size=size,
        batch_max=batch_max,
        batch_fixed=max_batch_size == 0 and first > 0,
        output_name=output["name"],
        output_shape=tuple(int(each) for each in output["shape"]),
        has_labels=bool(labels.get(output["name"])),
    )


def _picture_input(model: str, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    if len(inputs) == 1 and len(inputs[0]["shape"]) == 4 and inputs[0]["datatype"] in _PICTURE_TYPES:
        return inputs[0]
    raise UnsupportedModelError(
        f"model '{model}' takes {_listed(inputs)}: "
        "a detector takes one picture, [N, 3, height, width] of FP32, FP16 or UINT8"
    )


def _answer_output(model: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    for dimensions in (3, 2):
        for output in outputs:
            if len(output["shape"]) == dimensions and output["datatype"] in _ANSWER_TYPES:
                return output
    raise UnsupportedModelError(
        f"model '{model}' gives {_listed(outputs)}: a detector gives [N, K, 6] or [N, 4 + classes, anchors]"
    )


def _listed(tensors: list[dict[str, Any]]) -> str:
    described = (f"'{each['name']}' {each['datatype']} {each['shape']}" for each in tensors)
    return ", ".join(described) or "nothing"


def _layout(model: str, given: dict[str, Any], open_size: Size) -> tuple[bool, Size]:
    dims = [int(each) for each in given["shape"][1:]]
    if 3 not in (dims[0], dims[2]):
        raise UnsupportedModelError(
            f"input '{given['name']}' of model '{model}' has the shape {given['shape']}: three colours are expected"
        )
    planar = dims[0] == 3
    height, width = dims[1:] if planar else dims[:2]
    return planar, (width if width > 0 else open_size[0], height if height > 0 else open_size[1])


async def labels_of(model: DetectorModel, ask: Ask) -> list[str | None]:
    """Reads the names out of a model's labels file. No API gives that file, but the classification extension tells each element of an
    output with the label of its index: one inference of a grey picture, asked for all elements, tells all labels. A model without a
    labels file, or with more elements than can be asked for, has no names.
    """
    if not model.has_labels:
        return []
    width, height = model.size
    nothing = (Letterbox.of((1, 1), (width, height)), np.zeros((0, 0, 3), np.uint8))
    data = model.input_of([nothing])

    async def classified(count: int) -> dict[int, str]:
        classes, _, _ = await ask(
            f"labels of {model.name}",
            lambda server, timeout: server.infer(
                model.name, model.input_name, data, model.output_name, count, timeout
            ),
        )
        return _labels_by_index(classes)

    try:
        few = _anchors_of(model.output_shape)
        if few is not None:
            anchors, class_count = few
            listed = await classified(anchors * _BOX_VALUES * len(data))
            if all(index in listed for index in range(class_count)):
                return _label_list(listed)
        return _label_list(await classified(_CLASS_COUNT_MAX))
    except TritonError as error:
        if error.code == "INVALID_ARGUMENT":
            return []
        raise


def _anchors_of(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Anchors and classes of a raw head with many anchors. Its first row holds pixels, which are greater than all scores: among as many
    elements as there are pixels are those whose indexes have labels, and the server need not sort and print a million of them.
    """
    rows, columns = shape[-2:]
    if rows < 1 or columns < 1 or rows * columns <= _SMALL_ANSWER_MAX:
        return None
    return max(rows, columns), min(rows, columns) - _BOX_VALUES


def _labels_by_index(classes: NDArray[Any]) -> dict[int, str]:
    """Each is ``VALUE:INDEX:LABEL``, or ``VALUE:INDEX`` where there is no label."""
    found = {}
    for each in classes.reshape(-1):
        text = each.decode(errors="replace") if isinstance(each, bytes) else str(each)
        if match := re.fullmatch(r"[^:]*:(\d+)(?::(.+))?", text, re.S):
            found[int(match[1])] = match[2] or ""
    return found


def _label_list(labels: dict[int, str]) -> list[str | None]:
    last = max((index for index, label in labels.items() if label), default=-1)
    return [labels.get(index) or None for index in range(last + 1)]
