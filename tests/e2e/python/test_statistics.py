"""What the server counts: the statistics endpoint and the Prometheus page tell the same."""

import urllib.request

import numpy as np
import pytest
import tritonclient.http as triton
from prometheus_client.parser import text_string_to_metric_families
from tritonclient.utils import InferenceServerException


def ask(client, rows):
    given = triton.InferInput("features", [rows, 13], "FP32")
    given.set_data_from_numpy(np.ones((rows, 13), np.float32))
    client.infer("wine", [given])


def samples(metrics_url):
    """Metrics of the model `wine`, by name; the parser ends those of counters with `_total`."""
    with urllib.request.urlopen(metrics_url) as response:
        assert response.headers["Content-Type"].startswith("text/plain")
        text = response.read().decode()
    families = text_string_to_metric_families(text)
    return {
        sample.name.removesuffix("_total"): sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("model") == "wine" and "reason" not in sample.labels
    }


def of_model(client):
    (statistics,) = client.get_inference_statistics("wine")["model_stats"]
    assert (statistics["name"], statistics["version"]) == ("wine", "1")
    return statistics


def test_counts(client, metrics_url):
    before, page_before = of_model(client), samples(metrics_url)
    for rows in (1, 4, 4):
        ask(client, rows)
    with pytest.raises(InferenceServerException):
        ask(client, 65)
    after, page_after = of_model(client), samples(metrics_url)

    def grown(name):
        return page_after[name] - page_before[name]

    assert after["inference_count"] - before["inference_count"] == 9
    assert after["execution_count"] - before["execution_count"] == 3
    assert grown("nv_inference_request_success") == 3
    assert grown("nv_inference_count") == 9
    assert grown("nv_inference_exec_count") == 3

    success = after["inference_stats"]["success"]
    assert success["count"] - before["inference_stats"]["success"]["count"] == 3
    for part in ("queue", "compute_input", "compute_infer", "compute_output"):
        assert after["inference_stats"][part]["count"] >= 3
        assert after["inference_stats"][part]["ns"] <= success["ns"]
    assert after["inference_stats"]["compute_infer"]["ns"] > 0
    assert {entry["batch_size"] for entry in after["batch_stats"]} >= {1, 4}
    assert grown("nv_inference_request_duration_us") > 0


def test_all_models(client):
    every = client.get_inference_statistics()["model_stats"]
    assert {"digits", "language", "wine", "iris", "simple"} <= {entry["name"] for entry in every}


def test_unknown_model(client):
    with pytest.raises(InferenceServerException) as caught:
        client.get_inference_statistics("nobody")
    # Triton says it so, whatever the case: the model is not there at all.
    assert "nobody" in caught.value.message()
