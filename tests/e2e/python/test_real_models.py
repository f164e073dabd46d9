"""Models that people run, on inputs that people have: what is answered must make sense, and must be what
ONNX Runtime's own Python package answers."""

import os
import pathlib

import numpy as np
import onnxruntime
import pytest
import tritonclient.http as triton
from PIL import Image, ImageDraw, ImageFont
from tritonclient.utils import np_to_triton_dtype

from word_pieces import WordPieces

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
WINDOW, CONTEXT, RATE = 512, 64, 16_000


def session(model: str) -> onnxruntime.InferenceSession:
    path = pathlib.Path(os.environ["NEREID_MODELS"]) / model / "1" / "model.onnx"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def served(client, model: str, feeds: dict, outputs: list[str]) -> list[np.ndarray]:
    inputs = []
    for name, values in feeds.items():
        given = triton.InferInput(name, values.shape, np_to_triton_dtype(values.dtype))
        given.set_data_from_numpy(values)
        inputs.append(given)
    wanted = [triton.InferRequestedOutput(name) for name in outputs]
    answer = client.infer(model, inputs, outputs=wanted)
    return [answer.as_numpy(name) for name in outputs]


def file_features(path: pathlib.Path) -> np.ndarray:
    """The bytes at both ends of a file, 256 where there is none."""
    content = path.read_bytes()
    head = list(content[:4096].lstrip()[:1024])
    tail = list(content[-4096:].rstrip()[-1024:])
    filler = 256
    padded = head + [filler] * (1024 - len(head)) + [filler] * (1024 - len(tail)) + tail
    return np.array(padded, np.int32)


FILES = {
    "tests/e2e/python/test_real_models.py": "python",
    "package.json": "json",
    "examples/inputs/digits/seven.png": "png",
    "examples/clients/name-language.mjs": "javascript",
    "examples/README.md": "markdown",
    "examples/models/digits/1/model.onnx": "onnx",
}


def test_file_types_in_one_batch(client):
    features = np.stack([file_features(CHECKOUT / name) for name in FILES])
    (best,) = client_classes(client, features)
    assert best == list(FILES.values())
    (scores,) = served(client, "file_type", {"bytes": features}, ["target_label"])
    (expected,) = session("file_type").run(["target_label"], {"bytes": features})
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def client_classes(client, features):
    given = triton.InferInput("bytes", features.shape, "INT32")
    given.set_data_from_numpy(features)
    wanted = triton.InferRequestedOutput("target_label", class_count=1)
    answer = client.infer("file_type", [given], outputs=[wanted]).as_numpy("target_label")
    yield [entry.decode().split(":")[2] for entry in answer[:, 0]]


def line(text: str) -> Image.Image:
    """Black text on white, 48 pixels high."""
    font = ImageFont.load_default(size=32)
    picture = Image.new("RGB", (int(font.getlength(text)) + 24, 48), "white")
    ImageDraw.Draw(picture).text((12, 4), text, fill="black", font=font)
    return picture


def planes(picture: Image.Image) -> np.ndarray:
    """[1, 3, height, width] from -1 to 1, blue first."""
    values = np.asarray(picture, np.float32)[:, :, ::-1] / 127.5 - 1
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


@pytest.mark.parametrize("text", ["Nereid 2024", "Hello Triton 42", "inference server"])
def test_text_recognition(client, text):
    local = session("text_recognition")
    characters = local.get_modelmeta().custom_metadata_map["character"].splitlines()
    characters = ["", *characters, " "]
    picture = planes(line(text))
    (scores,) = served(client, "text_recognition", {"x": picture}, ["softmax_11.tmp_0"])
    (expected,) = local.run(None, {"x": picture})
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    best = scores[0].argmax(1)
    changed = np.flatnonzero(np.diff(best, prepend=0))
    assert "".join(characters[i] for i in best[changed]).strip() == text


def test_text_detection(client):
    page = Image.new("RGB", (640, 320), "white")
    page.paste(line("Hello Triton 42"), (60, 40))
    page.paste(line("inference server"), (300, 220))
    picture = planes(page)
    metadata = client.get_model_metadata("text_detection")
    assert metadata["inputs"][0]["shape"] == [-1, 3, -1, -1]
    (found,) = served(client, "text_detection", {"x": picture}, ["sigmoid_0.tmp_0"])
    (expected,) = session("text_detection").run(None, {"x": picture})
    np.testing.assert_allclose(found, expected, atol=1e-3)
    text = found[0, 0] > 0.3
    assert text[40:88, 60:300].mean() > 0.1
    assert text[220:268, 300:560].mean() > 0.1
    assert text[110:200].mean() < 0.001


VOWELS = [
    [(730, 80, 1.0), (1090, 90, 0.6), (2440, 120, 0.3)],
    [(270, 60, 1.0), (2290, 100, 0.4), (3010, 120, 0.3)],
    [(300, 60, 1.0), (870, 90, 0.5), (2240, 120, 0.1)],
    [(530, 60, 1.0), (1840, 100, 0.5), (2480, 120, 0.3)],
]


def vowel(formants: list, pitch_hz: float, seconds: float) -> np.ndarray:
    """What a throat and a mouth do: harmonics of a wavering pitch, some of them stronger."""
    time = np.arange(int(RATE * seconds)) / RATE
    wavering = pitch_hz * (1 + 0.05 * np.sin(8 * np.pi * time) + 0.1 * (time / seconds - 0.5))
    phase = np.cumsum(wavering) / RATE
    sound = np.zeros(len(time))
    for harmonic in range(1, 35):
        strength = sum(
            gain / (1 + ((harmonic * wavering - centre) / width) ** 2)
            for centre, width, gain in formants
        )
        sound += strength / harmonic**0.5 * np.sin(2 * np.pi * harmonic * phase)
    return sound * np.minimum(1, np.minimum(time / 0.03, (seconds - time) / 0.05))


def babble() -> np.ndarray:
    rng = np.random.default_rng(1)
    parts = []
    for i, pitch in enumerate([120, 130, 125, 118, 110, 122, 131, 105]):
        parts.append(rng.normal(0, 0.15, 800) * np.hanning(800))
        parts.append(vowel(VOWELS[i % 4], pitch, 0.17))
    sound = np.concatenate(parts)
    return (sound / np.abs(sound).max() / 2).astype(np.float32)


def voice(run, sound: np.ndarray) -> np.ndarray:
    """The probability of speech in each window; the state goes from one request to the next."""
    state, context = np.zeros((2, 1, 128), np.float32), np.zeros((1, CONTEXT), np.float32)
    scores = []
    for at in range(0, len(sound) - WINDOW + 1, WINDOW):
        window = np.concatenate([context, sound[None, at : at + WINDOW]], axis=1)
        score, state = run(window, state)
        context = window[:, -CONTEXT:]
        scores.append(float(score[0, 0]))
    return np.array(scores)


def test_voice_activity(client):
    local = session("voice_activity")

    def ask_server(window, state):
        feeds = {"input": window, "state": state, "sr": np.array([RATE], np.int64)}
        return served(client, "voice_activity", feeds, ["output", "stateN"])

    def ask_here(window, state):
        feeds = {"input": window, "state": state, "sr": np.array(RATE, np.int64)}
        return local.run(None, feeds)

    noise = np.random.default_rng(2).normal(0, 0.02, RATE // 2).astype(np.float32)
    sounds = {"speech": babble(), "silence": np.zeros(RATE // 2, np.float32), "noise": noise}
    scores = {name: voice(ask_server, sound) for name, sound in sounds.items()}
    for name, sound in sounds.items():
        np.testing.assert_allclose(scores[name], voice(ask_here, sound), atol=1e-3)
    assert np.median(scores["speech"]) > 0.8
    assert scores["silence"].max() < 0.1
    assert scores["noise"].max() < 0.2


def vocabulary() -> WordPieces:
    folder = pathlib.Path(os.environ["NEREID_MODELS"]) / "sentence_embedding"
    return WordPieces(folder / "vocab.txt")


def test_sentence_embeddings(client):
    ids, mask = vocabulary().batch(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    feeds = {"input_ids": ids, "attention_mask": mask}
    (vectors,) = served(client, "sentence_embedding", feeds, ["embedding"])
    # What the makers of the model publish for these three sentences.
    published = [[1, 0.6660, 0.1046], [0.6660, 1, 0.1411], [0.1046, 0.1411, 1]]
    np.testing.assert_allclose(vectors @ vectors.T, published, atol=2e-4)
    (expected,) = session("sentence_embedding").run(None, feeds)
    np.testing.assert_allclose(vectors, expected, atol=1e-4)


def test_sentences_of_many_lengths_at_once(url):
    texts = ["Yes.", "A cat sat on the mat.", "Neptune has more than a dozen moons."] * 8
    encoder = vocabulary()
    with triton.InferenceServerClient(url, concurrency=8) as client:
        pending = []
        for text in texts:
            inputs = []
            for name, values in zip(("input_ids", "attention_mask"), encoder.batch([text])):
                given = triton.InferInput(name, values.shape, "INT64")
                given.set_data_from_numpy(values)
                inputs.append(given)
            pending.append(client.async_infer("sentence_embedding", inputs))
        vectors = np.concatenate([p.get_result().as_numpy("embedding") for p in pending])
    local = session("sentence_embedding")
    for text, vector in zip(texts, vectors):
        ids, mask = encoder.batch([text])
        (expected,) = local.run(None, {"input_ids": ids, "attention_mask": mask})
        np.testing.assert_allclose(vector, expected[0], atol=1e-4)
