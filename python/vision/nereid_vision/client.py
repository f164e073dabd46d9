"""The client."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calls import (
    BackoffOptions,
    CircuitOptions,
    CircuitState,
    Clock,
    ResilientCaller,
    SystemClock,
    logger,
)
from .config import TritonConfig
from .detection import Detection, DetectionResult
from .errors import PictureError, TritonError, UnsupportedModelError
from .heads import HeadOptions, candidates_of
from .models import DetectorModel, describe_detector, labels_of
from .pictures import PICTURE_PIXELS_MAX, Letterbox, decode_picture
from .servers import Server, server_of

#: Requests of one `detect_batch` at a time: what is decoded for them lies in memory.
_BATCH_REQUESTS_MAX = 4
_HEALTH_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class TritonClientOptions:
    """What the environment does not say."""

    #: Names of classes by their number, instead of the model's own.
    labels: Sequence[str | None] | None = None
    head: HeadOptions = field(default_factory=HeadOptions)
    #: Width and height of the input, for a model that leaves them open.
    input_size: int = 640
    #: Larger pictures are refused before they are unpacked.
    picture_pixels_max: int = PICTURE_PIXELS_MAX
    backoff: BackoffOptions = field(default_factory=BackoffOptions)
    circuit: CircuitOptions = field(default_factory=CircuitOptions)
    #: For tests.
    clock: Clock = field(default_factory=SystemClock)
    #: For tests: from 0 to 1.
    chance: Callable[[], float] = random.random
    #: Spoken to instead of the server that the configuration names. Ended by `close`.
    server: Server | None = None


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Whether a model can be asked, and which versions there are."""

    model: str
    ready: bool
    #: ``version``, ``state`` and ``reason`` of each, as the repository index has them; empty for a model that is not known.
    versions: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Detector:
    model: DetectorModel
    labels: Sequence[str | None]


class TritonClient:
    """Finds objects in pictures with a model on a server.

    ``async with TritonClient(config) as client:`` closes it at the end.
    """

    def __init__(
        self, config: TritonConfig | None = None, options: TritonClientOptions | None = None
    ) -> None:
        """Without a configuration, that of the environment."""
        self.config = config or TritonConfig.from_env()
        self._options = options or TritonClientOptions()
        self._server = self._options.server or server_of(self.config)
        self._clock = self._options.clock
        self._caller = ResilientCaller(
            self.config.max_retries,
            self.config.timeout,
            self._options.backoff,
            self._options.circuit,
            self._clock,
            self._options.chance,
        )
        self._detectors: dict[str, asyncio.Task[_Detector]] = {}
        self._closed = False
        if self.config.verbose:
            _log_to_stderr()

    async def __aenter__(self) -> TritonClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def circuit_state(self) -> CircuitState:
        """Whether requests are held back because the server does not answer."""
        return self._caller.circuit.state

    async def is_healthy(self) -> bool:
        """Whether detection is enabled and the server is ready. Never raises."""
        if not self.config.enabled or self._closed:
            return False
        try:
            return await self._server.is_ready(min(_HEALTH_SECONDS_MAX, self.config.timeout))
        except TritonError:
            return False

    async def detect(
        self,
        image: bytes,
        *,
        model: str | None = None,
        confidence_threshold: float | None = None,
    ) -> DetectionResult:
        """Finds objects in a picture, given as the bytes of a PNG, JPEG or WebP.

        Raises PictureError for what is no such picture; TritonError when the server refuses, fails, or cannot be reached;
        UnsupportedModelError for another kind of model.
        """
        results = await self.detect_batch(
            [image], model=model, confidence_threshold=confidence_threshold
        )
        return results[0]

    async def detect_batch(
        self,
        images: Sequence[bytes],
        *,
        model: str | None = None,
        confidence_threshold: float | None = None,
    ) -> list[DetectionResult]:
        """Finds objects in several pictures, as many in a request as the model takes. Gives one result for each, in their order.

        Raises as `detect`; a PictureError says which picture it is about.
        """
        self._check_usable()
        if not images:
            return []
        name = model or self.config.model
        threshold = (
            self.config.confidence_threshold
            if confidence_threshold is None
            else confidence_threshold
        )
        detector = await self._detector(name)
        try:
            return await self._detect_all(detector, images, threshold)
        except (TritonError, UnsupportedModelError) as error:
            # The model may have been replaced by one of another form: it is looked at anew.
            if getattr(error, "code", "INVALID_ARGUMENT") in ("INVALID_ARGUMENT", "NOT_FOUND"):
                self._detectors.pop(name, None)
            raise

    async def model_status(self, model: str | None = None) -> ModelStatus:
        """Asks whether a model serves, and for its versions."""
        self._check_usable()
        name = model or self.config.model
        ready = await self._ask(
            f"readiness of {name}", lambda server, timeout: server.is_model_ready(name, timeout)
        )
        index = await self._ask("index", lambda server, timeout: server.repository_index(timeout))
        versions = [
            {key: str(each.get(key, "")) for key in ("version", "state", "reason")}
            for each in index
            if each.get("name") == name
        ]
        return ModelStatus(name, ready, versions)

    async def statistics(self, model: str | None = None) -> list[dict[str, Any]]:
        """The server's statistics of each version of a model; of all models for ''."""
        self._check_usable()
        name = self.config.model if model is None else model
        found: list[dict[str, Any]] = await self._ask(
            "statistics", lambda server, timeout: server.statistics(name, timeout)
        )
        return found

    async def close(self) -> None:
        """Ends the connections."""
        self._closed = True
        await self._server.close()

    def _check_usable(self) -> None:
        if self._closed:
            raise TritonError("FAILED_PRECONDITION", "the client is closed")
        if not self.config.enabled:
            raise TritonError(
                "FAILED_PRECONDITION", "detection on Triton is not enabled: set TRITON_ENABLED=true"
            )

    async def _ask(self, what: str, send: Callable[[Server, float], Awaitable[Any]]) -> Any:
        return await self._caller.call(what, lambda timeout: send(self._server, timeout))

    async def _detector(self, name: str) -> _Detector:
        """What is known of a model; asked for once for all callers, and again after an error."""
        asked = self._detectors.get(name)
        if asked is None or (asked.done() and (asked.cancelled() or asked.exception() is not None)):
            asked = asyncio.ensure_future(self._describe(name))
            self._detectors[name] = asked
        # One caller that is cancelled does not take it from the others.
        return await asyncio.shield(asked)

    async def _describe(self, name: str) -> _Detector:
        side = self._options.input_size
        model = await describe_detector(name, self._ask, (side, side))
        given = self._options.labels
        return _Detector(model, await labels_of(model, self._ask) if given is None else given)

    async def _detect_all(
        self, detector: _Detector, images: Sequence[bytes], threshold: float
    ) -> list[DetectionResult]:
        size = detector.model.batch_max
        batches = [(start, images[start : start + size]) for start in range(0, len(images), size)]
        free = asyncio.Semaphore(_BATCH_REQUESTS_MAX)

        async def work(start: int, batch: Sequence[bytes]) -> list[DetectionResult]:
            async with free:
                numbered = None if len(images) == 1 else start
                return await self._detect_together(detector, batch, numbered, threshold)

        tasks = [asyncio.ensure_future(work(start, batch)) for start, batch in batches]
        try:
            results = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return [each for found in results for each in found]

    async def _detect_together(
        self,
        detector: _Detector,
        images: Sequence[bytes],
        first_number: int | None,
        threshold: float,
    ) -> list[DetectionResult]:
        model = detector.model
        # Decoding takes long, and leaves the lock of the interpreter alone.
        data, letterboxes = await asyncio.to_thread(self._input_of, model, images, first_number)
        sent = self._clock.now()
        output, name, version = await self._ask(
            f"{len(images)} pictures to {model.name}",
            lambda server, timeout: server.infer(
                model.name, model.input_name, data, model.output_name, 0, timeout
            ),
        )
        time_ms = (self._clock.now() - sent) * 1000
        candidates = candidates_of(output, threshold, self._options.head)
        if len(candidates) < len(letterboxes):
            raise UnsupportedModelError(
                f"model '{name}' answered {len(letterboxes)} pictures with an output of shape {list(output.shape)}"
            )
        return [
            DetectionResult(
                detections=_named(rows, letterbox, detector.labels),
                image_width=letterbox.picture[0],
                image_height=letterbox.picture[1],
                model_name=name,
                model_version=version,
                inference_time_ms=time_ms,
            )
            for rows, letterbox in zip(candidates, letterboxes)
        ]

    def _input_of(
        self, model: DetectorModel, images: Sequence[bytes], first_number: int | None
    ) -> tuple[NDArray[Any], list[Letterbox]]:
        pictures = []
        for i, image in enumerate(images):
            try:
                decoded = decode_picture(
                    bytes(image),
                    lambda size: Letterbox.of(size, model.size).scaled,
                    self._options.picture_pixels_max,
                )
            except PictureError as error:
                if first_number is None:
                    raise
                raise PictureError(f"images[{first_number + i}]: {error}") from error
            pictures.append((Letterbox.of(decoded.size, model.size), decoded.rgb))
        return model.input_of(pictures), [letterbox for letterbox, _ in pictures]


def _log_to_stderr() -> None:
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger.addHandler(handler)


def _named(
    rows: NDArray[np.float64], letterbox: Letterbox, labels: Sequence[str | None]
) -> list[Detection]:
    """Nothing for a candidate beside the picture, in its frame."""
    found = []
    for x1, y1, x2, y2, confidence, number in rows.tolist():
        box = letterbox.box_in_picture(x1, y1, x2, y2)
        if box is None:
            continue
        class_id = round(number)
        label = labels[class_id] if 0 <= class_id < len(labels) else None
        found.append(Detection(label or f"class_{class_id}", class_id, confidence, box))
    return found
