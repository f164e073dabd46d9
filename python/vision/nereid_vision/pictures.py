"""From the bytes of a picture to a model's input, and back from its pixels to the picture's."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .detection import BoundingBox
from .errors import PictureError

#: The pixels of a picture at most, before anything is unpacked.
PICTURE_PIXELS_MAX = 50_000_000

#: The grey around the picture that YOLO models are trained with, of 255.
PADDING_LEVEL = 114

#: Width and height in pixels.
Size = tuple[int, int]

_EXIF_ORIENTATION = 0x0112
#: Orientations that lay a picture on its side.
_ON_ITS_SIDE = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture lies in a model's input: scaled with its proportions, in the middle, the rest grey."""

    picture: Size
    input: Size
    #: The scaled picture.
    scaled: Size
    left: int
    top: int

    @classmethod
    def of(cls, picture: Size, input: Size) -> Letterbox:
        """Places a picture in a model's input. Small pictures grow."""
        scale = min(input[0] / picture[0], input[1] / picture[1])
        width, height = (
            # A line of a very long picture keeps one pixel. Halves are rounded up, as elsewhere.
            min(input[i], max(1, math.floor(picture[i] * scale + 0.5)))
            for i in (0, 1)
        )
        return cls(
            picture, input, (width, height), (input[0] - width) // 2, (input[1] - height) // 2
        )

    def box_in_picture(self, x1: float, y1: float, x2: float, y2: float) -> BoundingBox | None:
        """A rectangle of the model's input, by two corners, as one of the picture; cut off at the picture's edges. None when
        nothing of it lies within.
        """
        width, height = self.picture
        across = width / self.scaled[0]
        down = height / self.scaled[1]
        left = _clamp((x1 - self.left) * across, width)
        top = _clamp((y1 - self.top) * down, height)
        right = _clamp((x2 - self.left) * across, width)
        bottom = _clamp((y2 - self.top) * down, height)
        # Written so that NaN fails, too.
        if right > left and bottom > top:
            return BoundingBox(left, top, right - left, bottom - top)
        return None


def _clamp(value: float, high: float) -> float:
    return math.nan if math.isnan(value) else min(high, max(0.0, value))


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A picture as colours: red, green and blue of each pixel, 8 bits each."""

    #: The whole picture, its orientation applied.
    size: Size
    #: Of the scaled picture: [height, width, 3].
    rgb: NDArray[np.uint8]


def decode_picture(
    data: bytes, fit: Callable[[Size], Size], pixels_max: int = PICTURE_PIXELS_MAX
) -> DecodedPicture:
    """Decodes a PNG, JPEG or WebP: EXIF orientation applied, grey widened, 16 bits narrowed, alpha left out (the colours below it stay,
    as in OpenCV and so in training), of an animation the first picture.

    `fit` gives the size to scale to, from that of the picture.

    Raises PictureError for what is no such picture, is damaged or cut off, or has more than `pixels_max` pixels.
    """
    if not data:
        raise PictureError("the picture is empty")
    if not data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) and not (
        data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    ):
        raise PictureError("the picture is neither a PNG nor a JPEG nor a WebP")
    try:
        return _decode(data, fit, pixels_max)
    except PictureError:
        raise
    except Exception as error:
        raise PictureError(f"the picture cannot be decoded: {error}") from error


def _decode(data: bytes, fit: Callable[[Size], Size], pixels_max: int) -> DecodedPicture:
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
        width, height = picture.size
        if width * height > pixels_max:
            raise PictureError(
                f"the picture has {width} x {height} pixels, and at most {pixels_max} are decoded"
            )
        turned = picture.getexif().get(_EXIF_ORIENTATION, 1) in _ON_ITS_SIDE
        size = (height, width) if turned else (width, height)
        scaled = fit(size)
        # A JPEG need not be unpacked further than to the next size above that which is needed.
        picture.draft(None, scaled[::-1] if turned else scaled)
        upright = ImageOps.exif_transpose(picture)
        colours = _to_rgb(upright).resize(scaled, Image.Resampling.BILINEAR)
        return DecodedPicture(size, np.asarray(colours, np.uint8))


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # Converting would cut 16 bits off above, and not below.
        narrowed = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return Image.fromarray(narrowed).convert("RGB")
    return picture.convert("RGB")
