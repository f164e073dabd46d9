from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import ManualClock, encoded
from nereid_vision import (
    BoundingBox,
    Detection,
    TritonClient,
    TritonClientOptions,
    TritonConfig,
    TritonError,
    UnsupportedModelError,
)

CONFIG = TritonConfig(enabled=True, model="m", max_retries=2)
AWAY = TritonError("UNAVAILABLE", "connection refused")
PICTURE = encoded(np.zeros((32, 64, 3), np.uint8), "PNG")


class FakeServer:
    """A server with one detector, which finds the same box in every picture."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        #: What the next requests fail with.
        self.failures: list[Exception | None] = []
        self.shape = [-1, 3, 64, 64]
        self.inputs = 1
        self.answer = [1, 6]
        self.label_file = "labels.txt"

    def _take(self, what: str) -> None:
        self.sent.append(what)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure

    async def is_ready(self, timeout: float) -> bool:
        self._take("ready")
        return True

    async def model_metadata(self, model: str, timeout: float) -> dict[str, Any]:
        self._take("metadata")
        image = {"name": "images", "datatype": "FP32", "shape": self.shape}
        output = {"name": "output0", "datatype": "FP32", "shape": [-1, *self.answer]}
        return {"name": model, "inputs": [image] * self.inputs, "outputs": [output]}

    async def model_config(self, model: str, timeout: float) -> dict[str, Any]:
        self._take("config")
        return {
            "max_batch_size": 2,
            "output": [{"name": "output0", "label_filename": self.label_file}],
        }

    async def infer(
        self, model: str, name: str, data: Any, output: str, class_count: int, timeout: float
    ) -> tuple[Any, str, str]:
        if class_count > 0:
            self._take("labels")
            return np.array([[b"9.0:2:a cat: tame", b"8.0:0:dog", b"7.0:5"]], object), model, "3"
        self._take(f"infer {len(data)}")
        return np.tile(np.float32([16, 16, 48, 48, 0.75, 2]), (len(data), 1, 1)), model, "3"

    async def close(self) -> None:
        self._take("close")


def client_of(server: Any, **options: Any) -> TritonClient:
    return TritonClient(CONFIG, TritonClientOptions(server=server, **options))


def test_looks_at_a_model_once_for_all_callers_then_only_infers() -> None:
    server = FakeServer()

    async def run() -> Any:
        async with client_of(server) as client:
            one, _ = await asyncio.gather(client.detect(PICTURE), client.detect(PICTURE))
            await client.detect(PICTURE)
            return one

    one = asyncio.run(run())
    assert server.sent == ["metadata", "config", "labels", "infer 1", "infer 1", "infer 1", "close"]
    box = BoundingBox(16, 0, 32, 32)
    assert one.detections == [Detection("a cat: tame", 2, 0.75, box)]
    assert one.detections[0].bbox == box
    assert (one.image_width, one.image_height, one.model_version) == (64, 32, "3")


def test_names_classes_by_numbers_where_there_are_no_names_or_as_it_is_told() -> None:
    server = FakeServer()
    server.label_file = ""
    result = asyncio.run(client_of(server).detect(PICTURE))
    assert result.detections[0].class_name == "class_2"
    assert "labels" not in server.sent
    told = asyncio.run(client_of(FakeServer(), labels=("a", "b", "c")).detect(PICTURE))
    assert told.detections[0].class_name == "c"


def test_sends_full_batches_and_gives_the_results_in_order() -> None:
    server = FakeServer()
    results = asyncio.run(client_of(server).detect_batch([PICTURE] * 5))
    assert len(results) == 5
    assert sorted(server.sent[3:]) == ["infer 1", "infer 2", "infer 2"]


def test_sends_again_what_failed_on_the_way() -> None:
    clock = ManualClock()
    server = FakeServer()
    server.failures = [None, None, None, AWAY, AWAY]
    result = asyncio.run(client_of(server, clock=clock, chance=lambda: 0.0).detect(PICTURE))
    assert len(result.detections) == 1
    assert clock.slept == [0.1, 0.2]
    assert result.inference_time_ms == pytest.approx(300)


def test_looks_at_a_model_anew_after_an_error_that_another_form_of_it_explains() -> None:
    server = FakeServer()

    async def run() -> None:
        client = client_of(server)
        await client.detect(PICTURE)
        server.failures = [TritonError("INVALID_ARGUMENT", "unexpected shape", 400)]
        with pytest.raises(TritonError, match="unexpected shape"):
            await client.detect(PICTURE)
        await client.detect(PICTURE)

    asyncio.run(run())
    assert server.sent.count("metadata") == 2


def test_asks_again_for_a_model_that_it_could_not_look_at() -> None:
    server = FakeServer()
    server.failures = [TritonError("NOT_FOUND", "unknown model", 404)]

    async def run() -> None:
        client = client_of(server)
        with pytest.raises(TritonError, match="unknown model"):
            await client.detect(PICTURE)
        assert len((await client.detect(PICTURE)).detections) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"inputs": 2}, "a detector takes one picture"),
        ({"shape": [-1, 1, 64, 64]}, "three colours are expected"),
        ({"answer": [1, 2, 3]}, "gives 'output0' FP32 .* a detector gives"),
    ],
)
def test_says_why_a_model_is_none_for_pictures(change: dict[str, Any], reason: str) -> None:
    server = FakeServer()
    vars(server).update(change)
    with pytest.raises(UnsupportedModelError, match=reason):
        asyncio.run(client_of(server).detect(PICTURE))


def test_is_not_healthy_when_it_is_not_enabled_or_the_server_is_away() -> None:
    server = FakeServer()
    server.failures = [AWAY]

    async def run() -> None:
        client = client_of(server)
        assert not await client.is_healthy()
        assert await client.is_healthy()
        off = TritonClient(replace(CONFIG, enabled=False), TritonClientOptions(server=server))
        assert not await off.is_healthy()
        with pytest.raises(TritonError, match="set TRITON_ENABLED=true"):
            await off.detect(PICTURE)

    asyncio.run(run())
