"""LLaVA 1.5: answers questions about a picture."""

import pathlib
import sys

# The folder beside `triton_models` that the models share: this file may be linked to from another model.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from vision_language import VisionLanguageModel  # noqa: E402
from vision_language.generation import generate  # noqa: E402
from vision_language.packages import require  # noqa: E402

IMAGE = "<image>"


class TritonPythonModel(VisionLanguageModel):
    model_id = "llava-hf/llava-1.5-7b-hf"

    def load(self, folder, device, dtype):
        transformers = require("transformers")
        self._processor = transformers.AutoProcessor.from_pretrained(folder)
        model = transformers.LlavaForConditionalGeneration.from_pretrained(folder, dtype=dtype)
        self._model = model.to(device).eval()

    def ask(self, question, answer):
        text = self._chat(question.prompt)
        inputs = self._processor(text=text, images=question.image, return_tensors="pt")
        inputs = inputs.to(self._model.device, dtype=self._model.dtype)
        generate(self._model, self._processor.tokenizer, inputs, question, answer)

    def _chat(self, prompt):
        """The prompt in the words that the model was trained with; one that names the image's place is left alone."""
        if IMAGE in prompt:
            return prompt
        if self._processor.chat_template is None:
            return f"USER: {IMAGE}\n{prompt} ASSISTANT:"
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        turns = [{"role": "user", "content": content}]
        return self._processor.apply_chat_template(turns, add_generation_prompt=True)
