"""One interface over both of Triton's asynchronous clients."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

import aiohttp
import numpy as np
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from .config import TritonConfig
from .errors import TritonError

T = TypeVar("T")

_CODES_BY_HTTP_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ALREADY_EXISTS",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Server(Protocol):
    """What a client of detectors asks of a server. All times are seconds; every method raises TritonError."""

    async def is_ready(self, timeout: float) -> bool: ...

    async def is_model_ready(self, model: str, timeout: float) -> bool: ...

    async def model_metadata(self, model: str, timeout: float) -> dict[str, Any]: ...

    async def model_config(self, model: str, timeout: float) -> dict[str, Any]: ...

    async def repository_index(self, timeout: float) -> list[dict[str, Any]]: ...

    async def statistics(self, model: str, timeout: float) -> list[dict[str, Any]]:
        """Of all models for ''."""

    async def infer(
        self,
        model: str,
        input_name: str,
        data: NDArray[Any],
        output_name: str,
        class_count: int,
        timeout: float,
    ) -> tuple[NDArray[Any], str, str]:
        """Gives the output, and the model's name and version. With `class_count`, the best classes as ``VALUE:INDEX:LABEL``."""

    async def close(self) -> None: ...


def server_of(config: TritonConfig) -> Server:
    """The server that a configuration names. Nothing is connected yet."""
    if config.protocol == "grpc":
        return GrpcServer(config.url)
    return HttpServer(config.http_url, config.timeout)


def _split(url: str) -> tuple[str, bool]:
    """The address without its scheme, and whether it is one of TLS."""
    scheme, _, rest = url.rpartition("://")
    return rest.rstrip("/"), scheme.lower() in ("https", "grpcs")


def datatype_of(data: NDArray[Any]) -> str:
    """Triton's name of the type of a picture."""
    return {"float32": "FP32", "float16": "FP16", "uint8": "UINT8"}[data.dtype.name]


def _numbers(value: Any, key: str = "") -> Any:
    """The JSON form of protobuf has 64-bit numbers as text, that of HTTP has not."""
    if isinstance(value, dict):
        return {name: _numbers(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each, key) for each in value]
    if isinstance(value, str) and key not in ("name", "version") and re.fullmatch(r"-?\d+", value):
        return int(value)
    return value


async def _in_time(work: Awaitable[T], timeout: float) -> T:
    """Turns whatever the clients raise into TritonError."""
    try:
        return await asyncio.wait_for(work, timeout)
    except InferenceServerException as error:
        raise _error_of(error) from error
    except (asyncio.TimeoutError, TimeoutError) as error:
        raise TritonError("DEADLINE_EXCEEDED", f"no answer within {timeout:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise TritonError("UNAVAILABLE", f"the server cannot be reached: {error}") from error


def _error_of(error: InferenceServerException) -> TritonError:
    status = str(error.status() or "")
    message = str(error.message())
    if status.isdigit():
        number = int(status)
        code = _CODES_BY_HTTP_STATUS.get(number, "INTERNAL" if number >= 500 else "UNKNOWN")
        return TritonError(code, message, number)
    return TritonError(status.removeprefix("StatusCode.") or "UNKNOWN", message)


class _Server:
    """What both protocols have in common: the client of tritonclient, made when it is needed first."""

    def __init__(self, url: str) -> None:
        self._url, self._secure = _split(url)
        self._client: Any = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


class GrpcServer(_Server):
    """Speaks gRPC."""

    def _connected(self) -> Any:
        # The client belongs to the event loop that runs when it is made.
        if self._client is None:
            from tritonclient.grpc.aio import InferenceServerClient

            self._client = InferenceServerClient(self._url, ssl=self._secure)
        return self._client

    async def is_ready(self, timeout: float) -> bool:
        return bool(await _in_time(self._connected().is_server_ready(), timeout))

    async def is_model_ready(self, model: str, timeout: float) -> bool:
        try:
            return bool(await _in_time(self._connected().is_model_ready(model), timeout))
        except TritonError as error:
            if error.code == "NOT_FOUND":
                return False
            raise

    async def model_metadata(self, model: str, timeout: float) -> dict[str, Any]:
        asked = self._connected().get_model_metadata(model, as_json=True)
        metadata: dict[str, Any] = _numbers(await _in_time(asked, timeout))
        return metadata

    async def model_config(self, model: str, timeout: float) -> dict[str, Any]:
        asked = self._connected().get_model_config(model, as_json=True)
        config: dict[str, Any] = (await _in_time(asked, timeout)).get("config", {})
        return config

    async def repository_index(self, timeout: float) -> list[dict[str, Any]]:
        asked = self._connected().get_model_repository_index(as_json=True)
        models: list[dict[str, Any]] = (await _in_time(asked, timeout)).get("models", [])
        return models

    async def statistics(self, model: str, timeout: float) -> list[dict[str, Any]]:
        asked = self._connected().get_inference_statistics(model, as_json=True)
        found: list[dict[str, Any]] = _numbers(await _in_time(asked, timeout)).get("model_stats", [])
        return found

    async def infer(
        self,
        model: str,
        input_name: str,
        data: NDArray[Any],
        output_name: str,
        class_count: int,
        timeout: float,
    ) -> tuple[NDArray[Any], str, str]:
        from tritonclient import grpc

        tensor, output = _asked_of(grpc, input_name, data, output_name, class_count)
        asked = self._connected().infer(model, [tensor], outputs=[output], client_timeout=timeout)
        result = await _in_time(asked, timeout)
        response = result.get_response()
        return _output_of(result, output_name), response.model_name, response.model_version


class HttpServer(_Server):
    """Speaks HTTP."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url)
        self._timeout = timeout

    def _connected(self) -> Any:
        if self._client is None:
            from tritonclient.http.aio import InferenceServerClient

            context = ssl.create_default_context() if self._secure else None
            self._client = InferenceServerClient(
                self._url, conn_timeout=self._timeout, ssl=self._secure, ssl_context=context
            )
        return self._client

    async def is_ready(self, timeout: float) -> bool:
        return bool(await _in_time(self._connected().is_server_ready(), timeout))

    async def is_model_ready(self, model: str, timeout: float) -> bool:
        return bool(await _in_time(self._connected().is_model_ready(model), timeout))

    async def model_metadata(self, model: str, timeout: float) -> dict[str, Any]:
        asked = self._connected().get_model_metadata(model)
        metadata: dict[str, Any] = await _in_time(asked, timeout)
        return metadata

    async def model_config(self, model: str, timeout: float) -> dict[str, Any]:
        config: dict[str, Any] = await _in_time(self._connected().get_model_config(model), timeout)
        return config

    async def repository_index(self, timeout: float) -> list[dict[str, Any]]:
        asked = self._connected().get_model_repository_index()
        models: list[dict[str, Any]] = await _in_time(asked, timeout)
        return models

    async def statistics(self, model: str, timeout: float) -> list[dict[str, Any]]:
        asked = self._connected().get_inference_statistics(model)
        found: list[dict[str, Any]] = (await _in_time(asked, timeout)).get("model_stats", [])
        return found

    async def infer(
        self,
        model: str,
        input_name: str,
        data: NDArray[Any],
        output_name: str,
        class_count: int,
        timeout: float,
    ) -> tuple[NDArray[Any], str, str]:
        from tritonclient import http

        tensor, output = _asked_of(http, input_name, data, output_name, class_count)
        result = await _in_time(
            self._connected().infer(model, [tensor], outputs=[output]), timeout
        )
        response = result.get_response()
        return _output_of(result, output_name), response["model_name"], response["model_version"]


def _asked_of(
    protocol: Any, input_name: str, data: NDArray[Any], output_name: str, class_count: int
) -> tuple[Any, Any]:
    """The tensor that goes and the one that is to come, as a protocol's module of tritonclient has them."""
    tensor = protocol.InferInput(input_name, list(data.shape), datatype_of(data))
    tensor.set_data_from_numpy(data)
    return tensor, protocol.InferRequestedOutput(output_name, class_count=class_count)


def _output_of(result: Any, name: str) -> NDArray[Any]:
    output = result.as_numpy(name)
    if output is None:
        raise TritonError("INTERNAL", f"there is no output '{name}' in the answer")
    return np.asarray(output)
