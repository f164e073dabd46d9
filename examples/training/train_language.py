"""Trains `language`, which names the language of a text, and writes it as ONNX.

Data: what volunteers translated for Django (BSD licence): a few hundred sentences in each of twelve
languages, in the message catalogues that its package ships. A fifth of the English originals is held
out, together with all of their translations.
The model takes text and gives scores: tokens, n-grams and weights are all inside the graph.
"""

import collections
import gettext
import importlib.util
import json
import pathlib
import re

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

import paths

NAMES = {
    "cs": "Czech",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "sv": "Swedish",
    "tr": "Turkish",
}
SEED = 7
NGRAMS_MAX = 8000
PADDING = "<none>"  # Longer than a character, so that no n-gram contains it.


def sentences() -> dict[str, dict[str, str]]:
    """English original to its text in each language, of all catalogues."""
    root = pathlib.Path(importlib.util.find_spec("django").submodule_search_locations[0])
    found = collections.defaultdict(dict)
    for code in NAMES:
        for path in sorted(root.glob(f"**/locale/{code}/LC_MESSAGES/django.mo")):
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)._catalog
            for original, text in catalogue.items():
                if isinstance(original, str) and isinstance(text, str):
                    found[clean(original)][code] = clean(text)
    for original, texts in found.items():
        texts["en"] = original
    return {k: v for k, v in found.items() if len(k) >= 12 and len(v) >= 6}


def clean(text: str) -> str:
    """Without placeholders and markup, in one line."""
    text = re.sub(r"%\(\w+\)\w|%\w|\{[^}]*\}|<[^>]*>|&\w+;|[“”„«»\"]", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def ngrams(text: str) -> list[tuple[str, ...]]:
    return [
        tuple(text[i : i + size]) for size in (1, 2, 3) for i in range(len(text) - size + 1)
    ]


def counts(texts: list[str], index: dict) -> np.ndarray:
    """Rows of n-gram counts, each of length 1."""
    rows = np.zeros((len(texts), len(index)), np.float32)
    for row, text in zip(rows, texts):
        for ngram in ngrams(text):
            if ngram in index:
                row[index[ngram]] += 1
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def to_onnx(vocabulary: list, weights: np.ndarray, bias: np.ndarray):
    starts, pool = [], []
    for size in (1, 2, 3):
        starts.append(len(pool))
        pool += [char for ngram in vocabulary if len(ngram) == size for char in ngram]
    initial = {
        "token_axis": np.array([1], np.int64),
        "weights": weights.T.astype(np.float32),
        "bias": bias.astype(np.float32),
    }
    node = helper.make_node
    nodes = [
        node(
            "Tokenizer",
            ["text"],
            ["padded"],
            domain="com.microsoft",
            mark=0,
            mincharnum=1,
            pad_value=PADDING,
            tokenexp=".",
        ),
        node("Squeeze", ["padded", "token_axis"], ["characters"]),
        node(
            "TfIdfVectorizer",
            ["characters"],
            ["counts"],
            mode="TF",
            min_gram_length=1,
            max_gram_length=3,
            max_skip_count=0,
            ngram_counts=starts,
            ngram_indexes=list(range(len(vocabulary))),
            pool_strings=pool,
        ),
        node("LpNormalization", ["counts"], ["direction"], axis=1, p=2),
        node("Gemm", ["direction", "weights", "bias"], ["logits"]),
        node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "language",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["batch", 1])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", len(NAMES)])],
        [numpy_helper.from_array(value, name) for name, value in initial.items()],
    )
    return helper.make_model(
        graph,
        opset_imports=[
            helper.make_opsetid("", paths.OPSET),
            helper.make_opsetid("com.microsoft", 1),
        ],
    )


def train(pairs: list[tuple[str, str]]):
    """Gives the n-grams by length and the weights and bias of each language."""
    frequency = collections.Counter(ngram for _, text in pairs for ngram in set(ngrams(text)))
    common = sorted(frequency.items(), key=lambda item: (-item[1], item[0]))[:NGRAMS_MAX]
    vocabulary = sorted((ngram for ngram, _ in common), key=lambda ngram: (len(ngram), ngram))
    index = {ngram: at for at, ngram in enumerate(vocabulary)}
    regression = LogisticRegression(C=100, max_iter=400, random_state=SEED)
    regression.fit(counts([text for _, text in pairs], index), [code for code, _ in pairs])
    assert list(regression.classes_) == list(NAMES)
    return vocabulary, regression.coef_, regression.intercept_


def main() -> None:
    found = sentences()
    originals = np.random.default_rng(SEED).permutation(sorted(found))
    cut = len(originals) // 5
    split = [
        [(code, text) for original in part for code, text in found[original].items()]
        for part in (originals[:cut], originals[cut:])
    ]
    held_out, training = split
    path = paths.write_model("language", to_onnx(*train(training)))
    paths.write_labels("language", "languages.txt", list(NAMES.values()))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def scores(texts: list[str]) -> np.ndarray:
        return session.run(None, {"text": np.array(texts, dtype=object)[:, None]})[0]

    guessed = scores([text for _, text in held_out]).argmax(1)
    right = sum(list(NAMES)[g] == code for g, (code, _) in zip(guessed, held_out))
    result = {
        "trained": len(training),
        "held_out": len(held_out),
        "right": right,
        "accuracy": round(right / len(held_out), 4),
    }
    print("language", json.dumps(result))

    # Written for this example: not in the catalogues.
    texts = [
        "The moons of Neptune are named after water gods.",
        "Die Monde des Neptun sind nach Wassergöttern benannt.",
        "Les lunes de Neptune portent des noms de divinités marines.",
        "Las lunas de Neptuno llevan nombres de dioses del agua.",
    ]
    best = scores(texts)
    named = [f"{row.max():.6f}:{row.argmax()}:{list(NAMES.values())[row.argmax()]}" for row in best]
    for name in named:
        print("  ", name)
    paths.write_case(
        "language",
        "neptune-named",
        {
            "inputs": [paths.tensor("text", "BYTES", np.array(texts, dtype=object)[:, None])],
            "outputs": [{"name": "scores", "parameters": {"classification": 1}}],
        },
        [{"name": "scores", "datatype": "BYTES", "shape": [len(texts), 1], "data": named}],
    )


if __name__ == "__main__":
    main()
