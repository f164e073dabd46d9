from __future__ import annotations

import pytest
from nereid_vision import ConfigurationError, TritonConfig


def test_the_documented_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENABLED", "URL", "HTTP_URL", "PROTOCOL", "TIMEOUT", "MODEL", "MAX_RETRIES"):
        monkeypatch.delenv(f"TRITON_{name}", raising=False)
    monkeypatch.delenv("TRITON_CONFIDENCE_THRESHOLD", raising=False)
    config = TritonConfig.from_env()
    assert config == TritonConfig()
    assert (config.enabled, config.url, config.http_url) == (
        False,
        "localhost:8001",
        "localhost:8000",
    )
    assert (config.protocol, config.timeout, config.model) == ("grpc", 60.0, "yolo26")
    assert (config.max_retries, config.confidence_threshold) == (3, 0.5)


def test_reads_every_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TRITON_ENABLED": "True",
        "TRITON_URL": "grpcs://triton.example:443",
        "TRITON_HTTP_URL": "https://[::1]:8000/triton",
        "TRITON_PROTOCOL": "HTTP",
        "TRITON_TIMEOUT": "2.5",
        "TRITON_MODEL": "yolo11",
        "TRITON_MAX_RETRIES": "0",
        "TRITON_CONFIDENCE_THRESHOLD": ".25",
        "TRITON_VERBOSE": "on",
    }.items():
        monkeypatch.setenv(name, value)
    assert TritonConfig.from_env() == TritonConfig(
        enabled=True,
        url="grpcs://triton.example:443",
        http_url="https://[::1]:8000/triton",
        protocol="http",
        timeout=2.5,
        model="yolo11",
        max_retries=0,
        confidence_threshold=0.25,
        verbose=True,
    )


def test_an_empty_variable_is_not_set() -> None:
    assert TritonConfig.from_env({"TRITON_URL": "", "TRITON_TIMEOUT": " "}) == TritonConfig()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TRITON_ENABLED", "maybe", "true or false"),
        ("TRITON_URL", "localhost:port", "the address of a server, as localhost:8001"),
        ("TRITON_HTTP_URL", "ftp://host", "the address of a server, as localhost:8000"),
        ("TRITON_PROTOCOL", "udp", "grpc or http"),
        ("TRITON_TIMEOUT", "0", "a number of seconds above 0"),
        ("TRITON_TIMEOUT", "60s", "a number of seconds above 0"),
        ("TRITON_TIMEOUT", "nan", "a number of seconds above 0"),
        ("TRITON_MODEL", "a/b", "the name of a model"),
        ("TRITON_MAX_RETRIES", "-1", "a whole number from 0 to 100"),
        ("TRITON_MAX_RETRIES", "1.5", "a whole number from 0 to 100"),
        ("TRITON_CONFIDENCE_THRESHOLD", "50", "a number from 0 to 1"),
    ],
)
def test_errors_name_the_variable_and_its_value(variable: str, value: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TritonConfig.from_env({variable: value})
    assert str(caught.value) == f"{variable} must be {expected}, not '{value}'"
    assert (caught.value.variable, caught.value.value) == (variable, value)


def test_checks_what_code_gives() -> None:
    with pytest.raises(ConfigurationError, match="confidence_threshold must be a number from 0"):
        TritonConfig(confidence_threshold=2)
