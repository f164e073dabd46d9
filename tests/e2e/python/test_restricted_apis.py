"""Restricted APIs, over every way there is to them on the HTTP port."""

import http.client
import json

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

# As the server was started.
KEY = {"admin-key": "secret one"}
REFUSAL = "This API is restricted, expecting header 'admin-key'"

RESTRICTED = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/any/index"),
    ("POST", "/v2/repository/models/wine/load"),
    ("POST", "/v2/repository/models/wine/unload"),
    ("POST", "/v2/repository/any/models/wine/unload"),
    ("GET", "/v2/models"),
    ("GET", "/v2/models?x=1"),
    ("GET", "/v2/models/stats"),
    ("GET", "/v2/models/wine/stats"),
    ("GET", "/v2/models/wine/versions/1/stats"),
    ("GET", "/v2/metrics"),
    ("HEAD", "/v2/metrics"),
    ("POST", "/v2/models/wine/infer"),
    ("POST", "/v2/models/wine/versions/1/infer"),
    ("POST", "/v2/models/wine/generate"),
    ("POST", "/v2/models/wine/versions/1/generate_stream"),
]


def ask(url, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(url)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("method,path", RESTRICTED)
@pytest.mark.parametrize("headers", [{}, {"admin-key": "secret"}, {"admin-key": "SECRET ONE"}])
def test_refused(url, method, path, headers):
    status, body = ask(url, method, path, headers)
    assert status == 403
    if method != "HEAD":
        assert json.loads(body) == {"error": REFUSAL}


@pytest.mark.parametrize("method,path", RESTRICTED)
def test_no_other_spelling(url, method, path):
    name = path.split("/")[2]
    for alias in (
        path + "/",
        path.replace("/v2", "/V2"),
        path.replace("/v2/", "/v2//"),
        path.replace("/v2/", "/v2/./"),
        path.replace(name, name.upper()),
        path.replace(name, f"%{ord(name[0]):02x}{name[1:]}"),
        "/v2/health/../.." + path,
    ):
        status, _ = ask(url, method, alias)
        assert status in (400, 403, 404), alias


def test_refused_before_a_large_body_is_read(url):
    status, body = ask(url, "POST", "/v2/models/wine/infer", body=b" " * 100_000)
    assert (status, json.loads(body)) == (403, {"error": REFUSAL})


def test_let_through(url):
    with triton.InferenceServerClient(url) as client:
        assert client.is_server_live()
        assert client.get_model_metadata("wine")["name"] == "wine"
        with pytest.raises(InferenceServerException, match="restricted"):
            client.get_model_repository_index()
        assert client.get_model_repository_index(headers=KEY)
        given = triton.InferInput("features", [1, 13], "FP32")
        given.set_data_from_numpy(np.ones((1, 13), np.float32))
        client.infer("wine", [given], headers={"ADMIN-KEY": KEY["admin-key"]})


def test_grpc_on_the_same_port(url):
    with triton_grpc.InferenceServerClient(url) as client:
        assert client.is_server_live()
        given = triton_grpc.InferInput("features", [1, 13], "FP32")
        given.set_data_from_numpy(np.ones((1, 13), np.float32))
        refusal = "This protocol is restricted, expecting header 'admin-key'"
        for call in (
            client.get_model_repository_index,
            client.get_inference_statistics,
            lambda **more: client.unload_model("wine", **more),
            lambda **more: client.infer("wine", [given], **more),
        ):
            with pytest.raises(InferenceServerException, match=refusal):
                call()
        assert client.get_model_repository_index(headers=KEY).models
        assert client.infer("wine", [given], headers=KEY)
