"""The server that the tests talk to: whoever runs them starts it and names it in the environment."""

import os

import pytest
import tritonclient.http as triton


@pytest.fixture(scope="session")
def url() -> str:
    """HOST:PORT of the HTTP endpoint."""
    return os.environ["NEREID_URL"]


@pytest.fixture(scope="session")
def grpc_url() -> str:
    """HOST:PORT of the gRPC endpoint."""
    return os.environ["NEREID_GRPC_URL"]


@pytest.fixture(scope="session")
def metrics_url() -> str:
    return os.environ["NEREID_METRICS_URL"]


@pytest.fixture
def client(url):
    with triton.InferenceServerClient(url, concurrency=4) as client:
        yield client
