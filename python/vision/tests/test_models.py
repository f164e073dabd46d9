from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from nereid_vision import TritonError
from nereid_vision.models import DetectorModel, labels_of
from nereid_vision.pictures import PADDING_LEVEL, Letterbox

LETTERBOX = Letterbox.of((2, 1), (4, 4))
#: 4 x 2 pixels: the red counts them, green is 100 more, blue 200.
RGB = (np.arange(8, dtype=np.uint8)[:, None] + np.array([0, 100, 200], np.uint8)).reshape(2, 4, 3)


def model_of(datatype: str, planar: bool = True, batch_fixed: bool = False) -> DetectorModel:
    return DetectorModel("m", "images", datatype, planar, (4, 4), 3, batch_fixed, "output0", (-1, 300, 6), False)


@pytest.mark.parametrize(("datatype", "dtype"), [("FP32", np.float32), ("FP16", np.float16)])
def test_lays_colours_in_planes_in_the_middle_of_grey(datatype: str, dtype: type) -> None:
    data = model_of(datatype).input_of([(LETTERBOX, RGB)])
    assert (data.shape, data.dtype) == ((1, 3, 4, 4), dtype)
    expected = np.full((3, 4, 4), PADDING_LEVEL, np.float32)
    expected[:, 1:3] = RGB.transpose(2, 0, 1)
    assert np.array_equal(data[0], (expected / np.float32(255)).astype(dtype))


def test_lays_colours_side_by_side() -> None:
    data = model_of("UINT8", planar=False).input_of([(LETTERBOX, RGB)])
    assert (data.shape, data.dtype) == ((1, 4, 4, 3), np.uint8)
    assert np.array_equal(data[0, 1:3], RGB)
    assert (data[0, ::3] == PADDING_LEVEL).all()


def test_fills_up_the_batch_of_a_model_that_takes_no_other() -> None:
    data = model_of("UINT8", batch_fixed=True).input_of([(LETTERBOX, RGB)])
    assert data.shape == (3, 3, 4, 4)
    assert (data[1:] == PADDING_LEVEL).all()
    assert data.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(
    ("shape", "answers", "labels", "counts"),
    [
        ((-1, 300, 6), [[b"9:2:a cat: tame", b"8:0:dog", b"7:5"]], ["dog", None, "a cat: tame"], [1_000_000]),
        # A raw head is asked for as many elements as it has pixels, and for all when that does not tell every class.
        ((-1, 6, 50_000), [[b"9:1:dog", b"8:0:cat", b"7:77"]], ["cat", "dog"], [200_000]),
        ((-1, 6, 50_000), [[b"9:1", b"8:0:cat"]], ["cat"], [200_000]),
        (
            (-1, 6, 50_000),
            [[b"9:1:dog"], [b"9:1:dog", b"0:0:cat"]],
            ["cat", "dog"],
            [200_000, 1_000_000],
        ),
        ((-1, 300, 6), [TritonError("INVALID_ARGUMENT", "too large", 400)], [], [1_000_000]),
    ],
)
def test_reads_labels(
    shape: tuple[int, ...], answers: list[Any], labels: list[str | None], counts: list[int]
) -> None:
    asked: list[int] = []

    class FakeServer:
        async def infer(
            self, model: str, name: str, data: Any, output: str, count: int, timeout: float
        ) -> Any:
            asked.append(count)
            answer = answers[len(asked) - 1]
            if isinstance(answer, Exception):
                raise answer
            return np.array([answer], object), model, "1"

    async def ask(_: str, send: Any) -> Any:
        return await send(FakeServer(), 1.0)

    model = replace(model_of("UINT8"), output_shape=shape, has_labels=True)
    assert asyncio.run(labels_of(model, ask)) == labels
    assert asked == counts
