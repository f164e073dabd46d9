from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from conftest import encoded, flag
from nereid_vision import PictureError
from nereid_vision.pictures import Letterbox, Size, decode_picture
from PIL import Image

ENCODINGS = ("JPEG", "PNG", "WEBP")


def same(size: Size) -> Size:
    return size


def quarters(rgb: np.ndarray) -> list[str]:
    """The colour in the middle of each quarter."""
    height, width, _ = rgb.shape
    names = []
    for y in (height >> 3, height - (height >> 3)):
        for x in (width >> 3, width - (width >> 3)):
            r, g, b = rgb[y, x]
            names.append("white" if g > 200 else "red" if r > 180 else "blue" if b > 180 else "?")
    return names


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_decodes(encoding: str) -> None:
    decoded = decode_picture(encoded(flag(64, 32), encoding, quality=95), same)
    assert decoded.size == (64, 32)
    assert decoded.rgb.shape == (32, 64, 3)
    assert quarters(decoded.rgb) == ["white", "red", "blue", "blue"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_scales_to_the_size_that_it_is_asked_for(encoding: str) -> None:
    decoded = decode_picture(encoded(flag(1024, 512), encoding), lambda _: (33, 17))
    assert decoded.size == (1024, 512)
    assert decoded.rgb.shape == (17, 33, 3)
    assert quarters(decoded.rgb) == ["white", "red", "blue", "blue"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("orientation", "expected", "size"),
    [
        (3, ["blue", "blue", "red", "white"], (64, 32)),
        (6, ["blue", "white", "blue", "red"], (32, 64)),
        (8, ["red", "blue", "white", "blue"], (32, 64)),
    ],
)
def test_turns_a_picture(encoding: str, orientation: int, expected: list[str], size: Size) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_picture(encoded(flag(64, 32), encoding, exif=exif.tobytes()), same)
    assert decoded.size == size
    assert quarters(decoded.rgb) == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_widens_grey(encoding: str) -> None:
    grey = Image.fromarray(flag(64, 32)).convert("L")
    rgb = decode_picture(encoded(grey, encoding), same).rgb.astype(int)
    assert rgb.shape == (32, 64, 3)
    assert np.abs(rgb[..., 0] - rgb[..., 2]).max() < 6
    assert rgb[0, 0, 0] > 250
    assert rgb[-1, -1, 0] < 120


def test_narrows_sixteen_bits() -> None:
    levels = np.linspace(0, 65535, 64 * 32).reshape(32, 64).astype(np.uint16)
    data = encoded(Image.fromarray(levels), "PNG")
    assert data[24] == 16
    rgb = decode_picture(data, same).rgb
    assert np.array_equal(rgb[..., 0], (levels >> 8).astype(np.uint8))


@pytest.mark.parametrize(("encoding", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True})])
def test_keeps_the_colours_below_alpha(encoding: str, options: dict[str, bool]) -> None:
    rgba = np.dstack([flag(64, 32), np.full((32, 64), 255, np.uint8)])
    rgba[:, :32, 3] = 0
    decoded = decode_picture(encoded(rgba, encoding, **options), lambda _: (32, 16))
    assert quarters(decoded.rgb) == ["white", "red", "blue", "blue"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_refuses_more_pixels_than_allowed(encoding: str) -> None:
    data = encoded(np.zeros((200, 300, 3), np.uint8), encoding)
    with pytest.raises(PictureError, match="300 x 200 pixels, and at most 59999 are decoded"):
        decode_picture(data, same, 59_999)
    assert decode_picture(data, same, 60_000).size == (300, 200)


def test_refuses_a_bomb() -> None:
    bomb = bytearray(encoded(flag(64, 32), "PNG"))
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(PictureError):
        decode_picture(bytes(bomb), same)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the picture is empty"),
        (b"<svg/>", "neither a PNG nor a JPEG nor a WebP"),
        (b"GIF89a\x01\0\x01\0", "neither a PNG nor a JPEG nor a WebP"),
        (b"\xff\xd8\xff\xe0", "the picture cannot be decoded"),
    ],
)
def test_refuses_what_is_no_picture(data: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode_picture(data, same)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_refuses_a_picture_that_was_cut_off(encoding: str) -> None:
    data = encoded(flag(256, 256), encoding)
    with pytest.raises(PictureError):
        decode_picture(data[: len(data) // 2], same)


def test_answers_damaged_pictures_with_its_own_error_or_a_whole_picture() -> None:
    chance = random.Random(7)
    good = [encoded(flag(32, 32), encoding) for encoding in ENCODINGS]
    for _ in range(300):
        data = bytearray(chance.choice(good))
        data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            decoded = decode_picture(bytes(data), lambda _: (16, 16), 1_000_000)
        except PictureError:
            continue
        assert decoded.rgb.shape == (16, 16, 3)


def test_letterbox_and_back() -> None:
    chance = random.Random(3)
    for _ in range(500):
        picture = (chance.randint(1, 8000), chance.randint(1, 8000))
        target = (chance.choice((32, 320, 640)), chance.choice((32, 320, 640)))
        placed = Letterbox.of(picture, target)
        assert 0 <= target[0] - 2 * placed.left - placed.scaled[0] <= 1
        assert 0 <= target[1] - 2 * placed.top - placed.scaled[1] <= 1
        assert placed.scaled[0] == target[0] or placed.scaled[1] == target[1]
        x1, x2 = sorted((chance.random(), chance.random()))
        y1, y2 = sorted((chance.random(), chance.random()))
        box = placed.box_in_picture(
            placed.left + x1 * placed.scaled[0],
            placed.top + y1 * placed.scaled[1],
            placed.left + x2 * placed.scaled[0],
            placed.top + y2 * placed.scaled[1],
        )
        assert box is not None
        assert (box.x, box.y) == pytest.approx((x1 * picture[0], y1 * picture[1]))
        assert (box.width, box.height) == pytest.approx(
            ((x2 - x1) * picture[0], (y2 - y1) * picture[1])
        )


def test_letterbox_has_nothing_for_a_box_in_the_frame() -> None:
    placed = Letterbox.of((200, 100), (640, 640))
    assert placed.box_in_picture(0, 0, 640, 150) is None
    assert placed.box_in_picture(float("nan"), 0, 640, 640) is None
    box = placed.box_in_picture(0, 150, 640, 170)
    assert box is not None
    assert (box.x, box.y, box.width, box.height) == (0, 0, 200, 3.125)
