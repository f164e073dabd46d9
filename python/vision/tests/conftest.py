from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


class ManualClock:
    """Time that stands still; sleeping moves it."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


def flag(width: int, height: int) -> np.ndarray:
    """Red above, blue below, a white corner at the upper left."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[: height // 2] = (220, 30, 30)
    rgb[height // 2 :] = (30, 30, 220)
    rgb[: height // 4, : width // 4] = 255
    return rgb


def encoded(picture: Image.Image | np.ndarray, encoding: str, **options: object) -> bytes:
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    target = io.BytesIO()
    image.save(target, encoding, **options)
    return target.getvalue()
