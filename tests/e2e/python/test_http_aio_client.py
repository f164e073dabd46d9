"""Triton's asyncio HTTP client against the example models."""

import asyncio

import numpy as np
import pytest
import tritonclient.http.aio as triton
from tritonclient.utils import InferenceServerException

from simple_model import FIRST, simple_inputs


def run(url, work):
    async def main():
        async with triton.InferenceServerClient(url, conn_limit=32) as client:
            return await work(client)

    return asyncio.run(main())


def test_health_and_metadata(url):
    async def work(client):
        assert await client.is_server_live()
        assert await client.is_server_ready()
        assert await client.is_model_ready("digits")
        assert (await client.get_server_metadata())["name"] == "triton"
        assert (await client.get_model_metadata("simple"))["versions"] == ["1"]
        assert (await client.get_model_config("simple"))["max_batch_size"] == 8
        statistics = await client.get_inference_statistics("simple")
        assert statistics["model_stats"][0]["name"] == "simple"

    run(url, work)


def test_two_hundred_at_once(url):
    async def work(client):
        async def one(n):
            second = np.full((1, 16), n, np.int32)
            answer = await client.infer("simple", simple_inputs(triton, second=second), request_id=str(n))
            assert answer.get_response()["id"] == str(n)
            assert (answer.as_numpy("OUTPUT0") == FIRST + n).all()
            assert (answer.as_numpy("OUTPUT1") == FIRST - n).all()

        await asyncio.gather(*(one(n) for n in range(200)))

    run(url, work)


@pytest.mark.parametrize("request_coding", ["gzip", "deflate"])
@pytest.mark.parametrize("response_coding", ["gzip", "deflate"])
def test_compression(url, request_coding, response_coding):
    async def work(client):
        answer = await client.infer(
            "simple",
            simple_inputs(triton, second=FIRST),
            request_compression_algorithm=request_coding,
            response_compression_algorithm=response_coding,
        )
        assert (answer.as_numpy("OUTPUT0") == 2 * FIRST).all()

    run(url, work)


def test_error(url):
    async def work(client):
        with pytest.raises(InferenceServerException) as caught:
            await client.infer("nobody", simple_inputs(triton, second=FIRST))
        assert caught.value.message() == "Request for unknown model: 'nobody' is not found"

    run(url, work)
