"""Trains `digits`, a convolutional network that reads handwritten digits, and writes it as ONNX.

Data: the test part of UCI's "Optical Recognition of Handwritten Digits", 1,797 images of 8x8
pixels with values 0 to 16, which scikit-learn ships. A fifth is held out and never trained on.
The network is small enough to be trained by plain numpy in about a minute, so no framework is needed.
"""

import json

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import paths

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SEED = 7
EPOCHS = 60
BATCH = 64
FILTERS = 16
HIDDEN = 96
POOLED = FILTERS * 4 * 4


def patches(images: np.ndarray) -> np.ndarray:
    """[n, 8, 8] to [n, 8, 8, 9]: the 3x3 neighbourhood of each pixel, zeros outside."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return np.stack(
        [padded[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)], axis=-1
    )


class Network:
    """3x3 convolution, ReLU, 2x2 max pooling, two dense layers, softmax; trained with Adam."""

    def __init__(self, rng: np.random.Generator) -> None:
        def he(fan_in: int, *shape: int) -> np.ndarray:
            return rng.normal(0, np.sqrt(2 / fan_in), shape)

        self.params = {
            "conv_w": he(9, 9, FILTERS),
            "conv_b": np.zeros(FILTERS),
            "hidden_w": he(POOLED, POOLED, HIDDEN),
            "hidden_b": np.zeros(HIDDEN),
            "out_w": he(HIDDEN, HIDDEN, 10),
            "out_b": np.zeros(10),
        }
        self.first = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.second = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.steps = 0

    def gradients(self, images: np.ndarray, digits: np.ndarray, keep: np.ndarray) -> dict:
        p, n = self.params, len(images)
        cols = patches(images)
        conv = np.maximum(cols @ p["conv_w"] + p["conv_b"], 0)
        windows = conv.reshape(n, 4, 2, 4, 2, FILTERS).transpose(0, 1, 3, 5, 2, 4)
        windows = windows.reshape(n, 4, 4, FILTERS, 4)
        winner = windows.argmax(-1)
        pooled = windows.max(-1).transpose(0, 3, 1, 2).reshape(n, POOLED)
        hidden = np.maximum(pooled @ p["hidden_w"] + p["hidden_b"], 0) * keep
        logits = hidden @ p["out_w"] + p["out_b"]
        scores = np.exp(logits - logits.max(1, keepdims=True))
        scores /= scores.sum(1, keepdims=True)

        d_logits = scores
        d_logits[np.arange(n), digits] -= 1
        d_logits /= n
        d_hidden = (d_logits @ p["out_w"].T) * (hidden > 0) * keep
        d_pooled = (d_hidden @ p["hidden_w"].T).reshape(n, FILTERS, 4, 4).transpose(0, 2, 3, 1)
        d_windows = np.eye(4)[winner] * d_pooled[..., None]
        d_conv = d_windows.reshape(n, 4, 4, FILTERS, 2, 2).transpose(0, 1, 4, 2, 5, 3)
        d_conv = d_conv.reshape(n, 8, 8, FILTERS) * (conv > 0)
        return {
            "conv_w": cols.reshape(-1, 9).T @ d_conv.reshape(-1, FILTERS),
            "conv_b": d_conv.sum((0, 1, 2)),
            "hidden_w": pooled.T @ d_hidden,
            "hidden_b": d_hidden.sum(0),
            "out_w": hidden.T @ d_logits,
            "out_b": d_logits.sum(0),
        }

    def step(self, gradients: dict, rate: float) -> None:
        self.steps += 1
        for key, gradient in gradients.items():
            gradient = gradient + 1e-4 * self.params[key]
            self.first[key] += 0.1 * (gradient - self.first[key])
            self.second[key] += 0.001 * (gradient**2 - self.second[key])
            mean = self.first[key] / (1 - 0.9**self.steps)
            square = self.second[key] / (1 - 0.999**self.steps)
            self.params[key] -= rate * mean / (np.sqrt(square) + 1e-8)


def shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every image moved by at most one pixel each way: more data out of the same data."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moves = rng.integers(0, 3, (len(images), 2))
    return np.stack([p[y : y + 8, x : x + 8] for p, (y, x) in zip(padded, moves)])


def train(images: np.ndarray, digits: np.ndarray) -> Network:
    rng = np.random.default_rng(SEED)
    network = Network(rng)
    for epoch in range(EPOCHS):
        rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(images))
        for at in range(0, len(order), BATCH):
            batch = order[at : at + BATCH]
            keep = (rng.random((len(batch), HIDDEN)) < 0.7) / 0.7
            network.step(
                network.gradients(shifted(images[batch], rng) / 16, digits[batch], keep), rate
            )
    return network


def to_onnx(network: Network) -> onnx.ModelProto:
    p = {k: v.astype(np.float32) for k, v in network.params.items()}
    weights = {
        "full_scale": np.array(16, np.float32),
        "conv_w": p["conv_w"].T.reshape(FILTERS, 1, 3, 3),
        "conv_b": p["conv_b"],
        "hidden_w": p["hidden_w"],
        "hidden_b": p["hidden_b"],
        "out_w": p["out_w"],
        "out_b": p["out_b"],
    }
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Div", ["image", "full_scale"], ["scaled"]),
            node("Conv", ["scaled", "conv_w", "conv_b"], ["conv"], pads=[1, 1, 1, 1]),
            node("Relu", ["conv"], ["conv_relu"]),
            node("MaxPool", ["conv_relu"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", ["pooled"], ["flat"]),
            node("Gemm", ["flat", "hidden_w", "hidden_b"], ["hidden"]),
            node("Relu", ["hidden"], ["hidden_relu"]),
            node("Gemm", ["hidden_relu", "out_w", "out_b"], ["logits"]),
            node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", paths.OPSET)])


def write_cases(session, images: np.ndarray, digits: np.ndarray, read: np.ndarray) -> None:
    """One held-out image of each digit as PNG; `seven` and a batch of all ten as requests.

    It is the first one of each that the network reads right: the few that it does not are
    counted in the accuracy, but would make poor examples.
    """
    folder = paths.EXAMPLES / "inputs" / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    good = [np.flatnonzero((digits == d) & (read == d))[0] for d in range(10)]
    first = images[good]
    for name, image in zip(NAMES, first):
        grey = np.round(image * 255 / 16).astype(np.uint8)
        # Every pixel eight times as wide and high, so that a person can look at it.
        Image.fromarray(np.kron(grey, np.ones((8, 8), np.uint8))).save(folder / f"{name}.png")
    batch = first[:, None].astype(np.float32)
    scores = session.run(None, {"image": batch})[0]
    ask = [{"name": "probabilities", "parameters": {"classification": 1}}]
    for case, rows in (("seven", slice(7, 8)), ("all-ten", slice(0, 10))):
        inputs = [paths.tensor("image", "FP32", batch[rows])]
        answer = paths.tensor("probabilities", "FP32", scores[rows])
        paths.write_case("digits", case, {"inputs": inputs}, [answer])
        best = scores[rows].argmax(1)
        texts = [f"{scores[rows][i, b]:.6f}:{b}:{NAMES[b]}" for i, b in enumerate(best)]
        named = {"name": "probabilities", "datatype": "BYTES", "shape": [len(best), 1]}
        request = {"inputs": inputs, "outputs": ask}
        paths.write_case("digits", f"{case}-named", request, [{**named, "data": texts}])


def main() -> None:
    data = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        data.images, data.target, test_size=0.2, random_state=SEED, stratify=data.target
    )
    path = paths.write_model("digits", to_onnx(train(train_x, train_y)))
    paths.write_labels("digits", "labels.txt", NAMES)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores = session.run(None, {"image": test_x[:, None].astype(np.float32)})[0]
    right = int((scores.argmax(1) == test_y).sum())
    result = {"held_out": len(test_y), "right": right, "accuracy": round(right / len(test_y), 4)}
    print("digits", json.dumps(result))
    write_cases(session, test_x, test_y, scores.argmax(1))


if __name__ == "__main__":
    main()
