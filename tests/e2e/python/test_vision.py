"""The Python package for detection against a server of this checkout, or a real Triton."""

import asyncio
import io
import os

import numpy as np
import pytest
from nereid_vision import (
    FallBackOptions,
    Rollout,
    RolloutOptions,
    TritonClient,
    TritonConfig,
    TritonError,
    detection_agreement,
)
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 960, 540
COLOURS = {"red": (225, 35, 30), "green": (30, 215, 45), "blue": (35, 40, 230)}
#: Colour and corners.
SHAPES = [
    ("red", (60, 70, 300, 190)),
    ("green", (700, 40, 810, 340)),
    ("blue", (90, 290, 310, 470)),
]
MODELS = os.environ["VISION_MODELS"].split(",")


def picture(shapes=SHAPES, encoding="PNG", **options) -> bytes:
    image = Image.new("RGB", (WIDTH, HEIGHT), (188, 180, 164))
    draw = ImageDraw.Draw(image)
    for colour, (x1, y1, x2, y2) in shapes:
        draw.rectangle((x1, y1, x2 - 1, y2 - 1), COLOURS[colour])
    target = io.BytesIO()
    image.save(target, encoding, **options)
    return target.getvalue()


def expect_shapes(result, shapes=SHAPES) -> None:
    found = {each.class_name: each for each in result.detections}
    assert sorted(found) == sorted(colour for colour, _ in shapes)
    assert len(result.detections) == len(shapes)
    for colour, (x1, y1, x2, y2) in shapes:
        box = found[colour].box
        across = min(box.x + box.width, x2) - max(box.x, x1)
        down = min(box.y + box.height, y2) - max(box.y, y1)
        common = max(0, across) * max(0, down)
        areas = box.width * box.height + (x2 - x1) * (y2 - y1)
        assert common / (areas - common) > 0.85, result
        assert found[colour].confidence > 0.8


@pytest.fixture(params=["grpc", "http"])
def config(request, monkeypatch) -> TritonConfig:
    monkeypatch.setenv("TRITON_ENABLED", "true")
    monkeypatch.setenv("TRITON_PROTOCOL", request.param)
    monkeypatch.setenv("TRITON_MODEL", MODELS[0])
    return TritonConfig.from_env()


def test_finds_shapes_with_every_model(config):
    async def run():
        async with TritonClient(config) as client:
            assert await client.is_healthy()
            for model in MODELS:
                result = await client.detect(picture(), model=model)
                expect_shapes(result)
                assert (result.image_width, result.image_height) == (WIDTH, HEIGHT)
                assert (result.model_name, result.model_version) == (model, "1")
                assert result.inference_time_ms > 0

    asyncio.run(run())


def test_detects_in_batches_of_every_encoding(config):
    async def run():
        async with TritonClient(config) as client:
            wanted = [SHAPES[: i % 4] for i in range(10)]
            images = [
                picture(shapes, encoding)
                for shapes, encoding in zip(wanted, ["PNG", "JPEG", "WEBP"] * 4)
            ]
            for result, shapes in zip(await client.detect_batch(images), wanted, strict=True):
                expect_shapes(result, shapes)

    asyncio.run(run())


def test_tells_of_the_server_and_the_model(config):
    async def run():
        async with TritonClient(config) as client:
            status = await client.model_status()
            assert status.ready
            assert status.versions == [{"version": "1", "state": "READY", "reason": ""}]
            unknown = await client.model_status("none")
            assert (unknown.ready, unknown.versions) == (False, [])
            (before,) = await client.statistics()
            await client.detect(picture())
            (after,) = await client.statistics()
            assert after["inference_count"] > before.get("inference_count", 0)
            assert after["inference_stats"]["success"]["ns"] > 0
            with pytest.raises(TritonError, match="unknown model"):
                await client.detect(picture(), model="none")

    asyncio.run(run())


def test_a_rollout_answers_with_the_old_function_while_the_server_is_away(config, monkeypatch):
    async def run():
        here = TritonClient(config)
        monkeypatch.setenv("TRITON_URL", "127.0.0.1:9")
        monkeypatch.setenv("TRITON_HTTP_URL", "127.0.0.1:9")
        monkeypatch.setenv("TRITON_MAX_RETRIES", "0")
        away = TritonClient(TritonConfig.from_env())
        assert not await away.is_healthy()
        with pytest.raises(TritonError) as caught:
            await away.detect(picture())
        assert caught.value.code == "UNAVAILABLE"
        rollout = Rollout(
            "away", here.detect, away.detect, RolloutOptions(100, fall_back=FallBackOptions(requests_min=2))
        )
        for _ in range(3):
            expect_shapes(await rollout.run(picture(), "camera"))
        assert rollout.paused
        same = Rollout(
            "same",
            here.detect,
            here.detect,
            RolloutOptions(100, shadow=True, compare=detection_agreement),
        )
        expect_shapes(await same.run(picture(), "camera"))
        await same.idle()
        assert 'comparisons_total{rollout="same",result="same"} 1' in same.metrics()
        await away.close()
        await here.close()

    asyncio.run(run())
