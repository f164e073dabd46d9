"""Generates text with a model of transformers, and says each word when it is there."""

from .packages import require


def generate(model, tokenizer, inputs, question, answer):
    """
    Runs `model.generate` on `inputs` (one question, tensors on the model's device), with what the request
    says of sampling.
    """
    torch = require("torch")
    transformers = require("transformers")
    sampling = {"do_sample": False}
    if question.temperature > 0:
        sampling = {"do_sample": True, "temperature": question.temperature, "top_p": question.top_p}
    with torch.inference_mode():
        model.generate(
            **inputs,
            **sampling,
            max_new_tokens=question.max_new_tokens,
            streamer=_streamer(transformers, tokenizer, answer),
            stopping_criteria=transformers.StoppingCriteriaList([_Unwanted(torch, answer)]),
        )


def _streamer(transformers, tokenizer, answer):
    class Streamer(transformers.TextStreamer):
        def on_finalized_text(self, text, stream_end=False):
            answer.say(text)

    return Streamer(tokenizer, skip_prompt=True, skip_special_tokens=True)


class _Unwanted:
    """Ends a generation whose client has gone."""

    def __init__(self, torch, answer):
        self._torch = torch
        self._answer = answer

    def __call__(self, input_ids, scores, **_):
        unwanted = not self._answer.is_wanted()
        return self._torch.full((input_ids.shape[0],), unwanted, device=input_ids.device)
