from __future__ import annotations

import numpy as np
import pytest
from nereid_vision.models import DetectorModel
from nereid_vision.pictures import PADDING_LEVEL, Letterbox

LETTERBOX = Letterbox.of((2, 1), (4, 4))
#: 4 x 2 pixels: the red counts them, green is 100 more, blue 200.
RGB = (np.arange(8, dtype=np.uint8)[:, None] + np.array([0, 100, 200], np.uint8)).reshape(2, 4, 3)


def model_of(datatype: str, planar: bool = True, batch_fixed: bool = False) -> DetectorModel:
    return DetectorModel("m", "images", datatype, planar, (4, 4), 3, batch_fixed, "output0", False)


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
