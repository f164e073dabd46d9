"""The trace extension, as Triton's own clients speak it. The server traces times of every request."""

import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

MODEL = "simple"


@pytest.fixture(params=["http", "grpc"])
def settings(request, url, grpc_url):
    """`get(model)` and `update(model, changes)`, with settings as HTTP shows them."""
    if request.param == "http":
        client = triton_http.InferenceServerClient(url)
        plain = dict
    else:
        client = triton_grpc.InferenceServerClient(grpc_url)

        def plain(answer):
            lists = {name: list(value.value) for name, value in answer.settings.items()}
            return {
                name: values if name == "trace_level" else values[0]
                for name, values in lists.items()
            }

    class Settings:
        @staticmethod
        def get(model=None):
            return plain(client.get_trace_settings(model_name=model))

        @staticmethod
        def update(model=None, **changes):
            return plain(client.update_trace_settings(model_name=model, settings=changes))

    cleared = {"trace_level": None, "trace_rate": None, "trace_count": None, "log_frequency": None}
    yield Settings
    Settings.update(MODEL, **cleared)
    Settings.update(**cleared)
    client.close()


def without_file(answer):
    return {name: value for name, value in answer.items() if name != "trace_file"}


START = {
    "trace_level": ["TIMESTAMPS"],
    "trace_rate": "1",
    "trace_count": "-1",
    "log_frequency": "0",
    "trace_mode": "triton",
}


def test_start_as_on_the_command_line(settings):
    assert without_file(settings.get()) == START
    assert settings.get(MODEL) == settings.get()
    assert settings.get()["trace_file"].endswith("trace.json")


def test_a_model_takes_from_the_server_what_it_does_not_set(settings):
    settings.update(MODEL, trace_rate="12", log_frequency="34")
    settings.update(trace_rate="56", trace_count="78", trace_level=["OFF"])
    assert without_file(settings.get(MODEL)) == {
        **START,
        "trace_level": ["OFF"],
        "trace_rate": "12",
        "trace_count": "78",
        "log_frequency": "34",
    }
    server = settings.update(trace_rate=None, trace_count=None)
    assert without_file(server) == {**START, "trace_level": ["OFF"]}
    model = settings.update(MODEL, trace_rate=None, trace_level=None)
    assert without_file(model) == {**START, "trace_level": ["OFF"], "log_frequency": "34"}
    assert settings.update(MODEL, log_frequency=None) == settings.get()


def test_levels_add_up(settings):
    levels = ["TIMESTAMPS", "TENSORS"]
    assert settings.update(trace_level=levels)["trace_level"] == levels
    assert settings.get(MODEL)["trace_level"] == levels


@pytest.mark.parametrize(
    ["change", "message"],
    [
        ({"trace_file": "x.json"}, "trace file location can not be updated through network"),
        ({"trace_file": "../../etc/passwd"}, "trace file location can not be updated"),
        ({"trace_rate": "0"}, "invalid trace setting :sample rate must be non-zero"),
        ({"trace_rate": "fast"}, "Unable to parse 'trace_rate', got: fast"),
        ({"trace_rate": "9" * 1000}, "Unable to parse 'trace_rate', value is out of range"),
        ({"trace_count": "-2"}, "Unable to parse 'trace_count'. Expecting value >= -1"),
        ({"trace_count": "0"}, "Attempting to set invalid trace setting :"),
        ({"log_frequency": ""}, "Unable to parse 'log_frequency', got: "),
        ({"trace_level": ["OFF", "TENSORS"]}, "Expect only one trace level 'OFF' is specified"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(settings, change, message):
    for model in (None, MODEL):
        with pytest.raises(InferenceServerException) as refusal:
            settings.update(model, **change)
        assert message in refusal.value.message()
        assert without_file(settings.get(model)) == START


def test_an_unknown_model_has_no_settings(settings):
    for attempt in (lambda: settings.get("none"), lambda: settings.update("none", trace_rate="2")):
        with pytest.raises(InferenceServerException, match="Request for unknown model : none"):
            attempt()
