"""Triton's asyncio gRPC client against the example models."""

import asyncio

import numpy as np
import pytest
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

from simple_model import FIRST, simple_inputs


def run(grpc_url, work):
    async def main():
        async with triton.InferenceServerClient(grpc_url) as client:
            return await work(client)

    return asyncio.run(main())


def test_health_and_metadata(grpc_url):
    async def work(client):
        assert await client.is_server_live()
        assert await client.is_model_ready("digits")
        assert (await client.get_model_metadata("simple")).versions == ["1"]
        assert (await client.get_model_config("simple")).config.max_batch_size == 8

    run(grpc_url, work)


def test_two_hundred_at_once(grpc_url):
    async def work(client):
        async def one(n):
            second = np.full((1, 16), n, np.int32)
            answer = await client.infer("simple", simple_inputs(triton, second=second), request_id=str(n))
            assert answer.get_response().id == str(n)
            assert (answer.as_numpy("OUTPUT0") == FIRST + n).all()

        await asyncio.gather(*(one(n) for n in range(200)))

    run(grpc_url, work)


def test_stream(grpc_url):
    async def work(client):
        async def requests():
            for n in range(50):
                second = np.full((1, 16), n, np.int32)
                model = "simple" if n != 25 else "nobody"
                yield {
                    "model_name": model,
                    "inputs": simple_inputs(triton, second=second),
                    "request_id": str(n),
                    "enable_empty_final_response": True,
                }

        n = 0
        async for result, error in client.stream_infer(requests()):
            if n == 25:
                assert "'nobody' is not found" in error.message()
            else:
                assert error is None
                assert result.get_response().id == str(n)
                assert (result.as_numpy("OUTPUT0") == FIRST + n).all()
            n += 1
        assert n == 50

    run(grpc_url, work)


def test_refusal(grpc_url):
    async def work(client):
        with pytest.raises(InferenceServerException) as caught:
            await client.infer("nobody", simple_inputs(triton, second=FIRST))
        assert caught.value.status() == "StatusCode.NOT_FOUND"

    run(grpc_url, work)
