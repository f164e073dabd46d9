"""Kosmos-2: describes a picture, and says where things are when the prompt begins with `<grounding>`."""

import pathlib
import sys

# The folder beside `triton_models` that the models share: this file may be linked to from another model.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from vision_language import VisionLanguageModel  # noqa: E402
from vision_language.generation import generate  # noqa: E402
from vision_language.packages import require  # noqa: E402


class TritonPythonModel(VisionLanguageModel):
    model_id = "microsoft/kosmos-2-patch14-224"

    def load(self, folder, device, dtype):
        transformers = require("transformers")
        self._processor = transformers.AutoProcessor.from_pretrained(folder)
        model = transformers.Kosmos2ForConditionalGeneration.from_pretrained(folder, dtype=dtype)
        self._model = model.to(device).eval()

    def ask(self, question, answer):
        inputs = self._processor(text=question.prompt, images=question.image, return_tensors="pt")
        inputs = inputs.to(self._model.device, dtype=self._model.dtype)
        # A grounded answer keeps its marks: <phrase>, and <object> with the patches of its corners.
        generate(self._model, self._processor.tokenizer, inputs, question, answer)
