"""A captioner of 100,000 weights for pictures of one coloured shape: see ../../../training."""

import pathlib
import sys

# The folder beside `triton_models` that the models share: this file may be linked to from another model.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from vision_language import VisionLanguageModel  # noqa: E402
from vision_language.generation import generate  # noqa: E402
from vision_language.packages import require  # noqa: E402


class TritonPythonModel(VisionLanguageModel):
    def load(self, folder, device, dtype):
        transformers = require("transformers")
        self._images = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.VisionEncoderDecoderModel.from_pretrained(folder, dtype=dtype)
        self._model = model.to(device).eval()

    def ask(self, question, answer):
        pixels = self._images(question.image, return_tensors="pt").pixel_values
        prompt = self._tokenizer(question.prompt, truncation=True, return_tensors="pt").input_ids
        inputs = {
            "pixel_values": pixels.to(self._model.device, self._model.dtype),
            "decoder_input_ids": prompt.to(self._model.device),
        }
        generate(self._model, self._tokenizer, inputs, question, answer)
