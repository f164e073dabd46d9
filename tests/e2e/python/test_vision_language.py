"""The vision-language example as its users see it: its own client, over both protocols, and Triton's client beside it."""

import io
import json
import os
import re
import sys
import urllib.request

import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image
from tritonclient.utils import InferenceServerException

EXAMPLE = os.environ["NEREID_VISION_EXAMPLE"]
sys.path.insert(0, EXAMPLE)

from triton_client import TritonVLMClient  # noqa: E402

JPEG = os.path.join(EXAMPLE, "test_images", "sample_image.jpg")
PNG = os.path.join(EXAMPLE, "test_images", "sample_image.png")
DESCRIBE = "Describe this image in detail."


@pytest.fixture(params=["http", "grpc"])
def vlm(request, url, grpc_url):
    address = url if request.param == "http" else grpc_url
    with TritonVLMClient(url=address, protocol=request.param) as client:
        yield client


@pytest.mark.parametrize(
    ("image", "prompt", "text"),
    [
        (JPEG, DESCRIBE, "a red circle on a blue background"),
        (PNG, DESCRIBE, "a yellow triangle on a black background"),
        (PNG, "What shape is it?", "a triangle"),
        (JPEG, "What color is the background?", "blue"),
    ],
)
def test_text(vlm, image, prompt, text):
    assert vlm.is_ready()
    assert vlm.is_ready("captioner")
    assert vlm.infer("captioner", image, prompt) == text
    with open(image, "rb") as file:
        assert vlm.infer("captioner", file.read(), prompt) == text


def test_streamed_text(vlm):
    pieces = list(vlm.stream("captioner_stream", JPEG, DESCRIBE))
    assert len(pieces) == len("a red circle on a blue background".split())
    assert "".join(pieces) == "a red circle on a blue background"
    # What answers in pieces can be asked for the whole, and the other way round.
    assert vlm.infer("captioner_stream", JPEG, DESCRIBE) == "".join(pieces)
    assert list(vlm.stream("captioner", JPEG, DESCRIBE)) == ["".join(pieces)]


def test_a_stream_that_is_left(vlm):
    stream = vlm.stream("captioner_stream", JPEG, DESCRIBE)
    assert next(stream) == "a "
    stream.close()
    assert vlm.infer("captioner_stream", PNG, "What shape is it?") == "a triangle"


def test_limits_of_a_request(vlm):
    assert vlm.infer("captioner", JPEG, DESCRIBE, max_tokens=3) == "a red circle"
    assert vlm.infer("captioner", JPEG, "What color is it?", temperature=0.01, top_p=0.1) == "red"


@pytest.mark.parametrize("model", ["captioner", "captioner_stream"])
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"image": b""}, "input 'image' is empty"),
        ({"image": b"GIF89a" + bytes(100)}, "input 'image' is neither PNG nor JPEG (106 bytes"),
        ({"image": "half"}, "input 'image' is damaged"),
        ({"image": "bomb"}, "input 'image' has 9000x9000 pixels, more than 67108864"),
        ({"max_tokens": 0}, "parameter 'max_tokens' is 0, not a number from 1 to 4096"),
        ({"temperature": "hot"}, "parameter 'temperature' is 'hot', not a number from 0 to 2"),
        ({"prompt": "a" * 70000}, "input 'prompt' has 70000 bytes, more than 65536"),
    ],
)
def test_requests_that_cannot_be_answered(vlm, model, change, text):
    asked = {"image": JPEG, "prompt": DESCRIBE, **change}
    if asked["image"] == "half":
        with open(JPEG, "rb") as file:
            asked["image"] = file.read()[:2000]
    elif asked["image"] == "bomb":
        packed = io.BytesIO()
        Image.new("1", (9000, 9000)).save(packed, "PNG")
        asked["image"] = packed.getvalue()
    with pytest.raises(InferenceServerException, match=re.escape(text)):
        vlm.infer(model, asked.pop("image"), asked.pop("prompt"), **asked)
    assert vlm.infer(model, PNG, "What shape is it?") == "a triangle"


@pytest.mark.parametrize("model", ["moondream2", "kosmos2", "llava"])
def test_the_large_models_answer(vlm, model):
    # Weights are random here: the text has no sense, and is the same each time.
    first = vlm.infer(model, JPEG, "What is this?", max_tokens=12)
    assert first != ""
    assert vlm.infer(model, JPEG, "What is this?", max_tokens=12) == first
    assert vlm.infer(model, PNG, "What is this? Tell it in other words.", max_tokens=12) != first
    assert len(vlm.infer(model, JPEG, "What is this?", max_tokens=2)) < len(first)


def test_a_large_model_streams(vlm):
    pieces = list(vlm.stream("moondream2_stream", JPEG, "What is this?", max_tokens=12))
    assert len(pieces) == 12
    assert "".join(pieces) == vlm.infer("moondream2", JPEG, "What is this?", max_tokens=12)


def test_a_prompt_in_the_words_of_the_model(vlm):
    written = "USER: <image>\nWhat is this? ASSISTANT:"
    assert vlm.infer("llava", JPEG, written, max_tokens=8) == vlm.infer(
        "llava", JPEG, "What is this?", max_tokens=8
    )
    assert vlm.infer("kosmos2", JPEG, "<grounding> An image of", max_tokens=8) != ""


def test_what_the_guide_expects(url):
    """Models, metadata and metrics, as Triton's own client and curl see them."""
    with triton.InferenceServerClient(url) as client:
        metadata = client.get_model_metadata("moondream2")
        assert metadata["inputs"] == [
            {"name": "image", "datatype": "UINT8", "shape": [-1]},
            {"name": "prompt", "datatype": "BYTES", "shape": [1]},
        ]
        assert metadata["outputs"] == [
            {"name": "generated_text", "datatype": "BYTES", "shape": [1]}
        ]
        config = client.get_model_config("moondream2")
        assert config["max_batch_size"] == 0
        assert "dynamic_batching" in config
        with open(PNG, "rb") as file:
            data = file.read()
        image = triton.InferInput("image", [len(data)], "UINT8")
        image.set_data_from_numpy(np.frombuffer(data, np.uint8))
        prompt = triton.InferInput("prompt", [1], "BYTES")
        prompt.set_data_from_numpy(np.array(["What shape is it?"], dtype=np.object_))
        answer = client.infer("captioner", [image, prompt])
        assert answer.as_numpy("generated_text").tolist() == [b"a triangle"]
    with urllib.request.urlopen(f"http://{url}/v2/models") as answer:
        states = {model["name"]: model.get("state") for model in json.load(answer)["models"]}
    assert states["captioner"] == "READY"
    with urllib.request.urlopen(f"http://{url}/v2/metrics") as answer:
        metrics = answer.read().decode()
    assert 'nv_inference_request_success{model="moondream2",version="1"}' in metrics
    assert 'nv_inference_request_duration_us{model="moondream2",version="1"}' in metrics
