"""`scribe`: a text model with the inputs and outputs of Triton's vLLM backend. A token is a letter."""

import json
import pathlib

import numpy as np
import triton_python_backend_utils as pb_utils
from letters import Letters

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL


class TritonPythonModel:
    def initialize(self, args):
        self._letters = Letters(pathlib.Path(__file__).with_name("scribe.npz"))

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            try:
                self._answer(request, sender)
                sender.send(flags=FINAL)
            except (ValueError, TypeError) as error:
                failure = pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
                sender.send(pb_utils.InferenceResponse(error=failure), flags=FINAL)

    def _answer(self, request, sender):
        prompt = value(request, "text_input", b"").decode("utf-8")
        stream = bool(value(request, "stream", False))
        prefix = "" if stream or value(request, "exclude_input_in_output", False) else prompt
        sampling = Sampling(json.loads(value(request, "sampling_parameters", b"{}")))
        pieces = Pieces(self._letters, prompt, sampling)
        if not stream:
            sender.send(answer(request, prompt, list(pieces), prefix, pieces.finish_reason))
            return
        for piece in pieces:
            if sender.is_cancelled():
                return
            sender.send(answer(request, prompt, [piece], "", None))
        sender.send(answer(request, prompt, [], "", pieces.finish_reason))


class Sampling:
    """vLLM's sampling parameters, those that mean something here."""

    def __init__(self, given: dict):
        self.max_tokens = int(given.get("max_tokens", 16))
        self.temperature = float(given.get("temperature", 1.0))
        self.top_p = float(given.get("top_p", 1.0))
        self.top_k = int(given.get("top_k", 0))
        self.presence_penalty = float(given.get("presence_penalty", 0.0))
        self.frequency_penalty = float(given.get("frequency_penalty", 0.0))
        self.logprobs = given.get("logprobs")
        stop = given.get("stop") or []
        self.stop = [stop] if isinstance(stop, str) else list(stop)
        seed = given.get("seed")
        self.random = np.random.default_rng(None if seed is None else abs(int(seed)))

    def choose(self, probabilities: np.ndarray, said: str) -> int:
        scores = np.log(probabilities)
        if self.presence_penalty or self.frequency_penalty:
            counts = np.bincount(np.frombuffer(said.encode(), np.uint8), minlength=len(scores))
            scores -= self.presence_penalty * (counts > 0) + self.frequency_penalty * counts
        if self.temperature == 0:
            return int(scores.argmax())
        weights = np.exp((scores - scores.max()) / self.temperature)
        order = np.argsort(-weights, kind="stable")
        kept = np.cumsum(weights[order]) - weights[order] < self.top_p * weights.sum()
        if self.top_k > 0:
            kept[self.top_k :] = False
        likely = order[kept]
        return int(self.random.choice(likely, p=weights[likely] / weights[likely].sum()))


class Pieces:
    """What is said, a letter after the other: (text, log probabilities). Nothing of a stop sequence is."""

    def __init__(self, letters: Letters, prompt: str, sampling: Sampling):
        self._letters, self._prompt, self._sampling = letters, prompt, sampling
        self.finish_reason = "length"

    def __iter__(self):
        said, sent, waiting = "", 0, []
        for _ in range(self._sampling.max_tokens):
            probabilities = self._letters.probabilities(self._prompt + said)
            letter = self._sampling.choose(probabilities, said)
            said += chr(letter)
            waiting.append((chr(letter), self._likeliest(probabilities, letter)))
            end = min((at for at in map(said.find, self._sampling.stop) if at >= 0), default=None)
            if end is not None:
                self.finish_reason = "stop"
                yield from waiting[: end - sent]
                return
            # The end of the text may be the beginning of a stop sequence.
            held = max((len(stop) - 1 for stop in self._sampling.stop), default=0)
            while len(said) - sent > held:
                yield waiting.pop(0)
                sent += 1
        yield from waiting

    def _likeliest(self, probabilities: np.ndarray, letter: int) -> dict | None:
        """As vLLM gives them: by token id, with ranks from 1; the letter that was chosen is among them."""
        if self._sampling.logprobs is None:
            return None
        order = np.argsort(-probabilities, kind="stable").tolist()
        chosen = dict.fromkeys([letter, *order[: int(self._sampling.logprobs)]])
        return {
            str(token): {
                "logprob": float(np.log(probabilities[token])),
                "rank": order.index(token) + 1,
                "decoded_token": chr(token),
            }
            for token in chosen
        }


def answer(request, prompt, pieces, prefix, finish_reason):
    said = "".join(text for text, _ in pieces)
    outputs = {"text_output": strings(prefix + said)}
    if value(request, "return_finish_reason", False):
        outputs["finish_reason"] = strings(str(finish_reason))
    if value(request, "return_num_input_tokens", False):
        outputs["num_input_tokens"] = np.array([len(prompt)], dtype=np.uint32)
    if value(request, "return_num_output_tokens", False):
        outputs["num_output_tokens"] = np.array([len(said)], dtype=np.uint32)
    if value(request, "return_logprobs", False):
        outputs["logprobs"] = strings(json.dumps([likeliest for _, likeliest in pieces]))
    return pb_utils.InferenceResponse([pb_utils.Tensor(*output) for output in outputs.items()])


def strings(text):
    return np.array([text.encode("utf-8")], dtype=np.object_)


def value(request, name, default):
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0]
