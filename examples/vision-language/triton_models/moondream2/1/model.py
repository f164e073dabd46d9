"""Moondream 2: answers questions about a picture, with two billion weights."""

import pathlib
import sys

# The folder beside `triton_models` that the models share: this file may be linked to from another model.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

import json  # noqa: E402

from vision_language import VisionLanguageModel  # noqa: E402
from vision_language.errors import LoadError  # noqa: E402
from vision_language.packages import require  # noqa: E402


class TritonPythonModel(VisionLanguageModel):
    model_id = "vikhyatk/moondream2"
    revision = "2025-06-21"
    with_code = True
    #: Its code makes pictures into numbers of this type, whatever its weights are.
    auto_dtype = "bfloat16"

    def load(self, folder, device, dtype):
        torch = require("torch")
        if dtype != torch.bfloat16:
            raise LoadError("it computes in bfloat16: leave the parameter 'dtype' out, or set it to that")
        model = self._make(folder, torch)
        self._read_weights(folder, model)
        # Each number has its type already: some tables stay at 32 bits.
        self._model = model.to(device).eval()

    @staticmethod
    def _make(folder, torch):
        """
        An object of the class that comes with the weights. It is made without `from_pretrained`, which since
        transformers 5 forgets the tables that this class computes instead of keeping them with the weights.
        """
        dynamic = require("transformers.dynamic_module_utils")
        path = pathlib.Path(folder, "config.json")
        names = json.loads(path.read_text(encoding="utf-8")).get("auto_map", {})
        if "AutoModelForCausalLM" not in names:
            raise LoadError(f"{path} has no 'auto_map' that names the class of the model")
        model_class = dynamic.get_class_from_dynamic_module(names["AutoModelForCausalLM"], folder)
        config = model_class.config_class.from_pretrained(folder)
        with torch.device("cpu"):
            return model_class(config)

    @staticmethod
    def _read_weights(folder, model):
        safetensors = require("safetensors.torch")
        files = sorted(pathlib.Path(folder).glob("*.safetensors"))
        if not files:
            raise LoadError(f"there are no weights (*.safetensors) in {folder}")
        state = {}
        for file in files:
            state.update(safetensors.load_file(file))
        missing, unknown = model.load_state_dict(state, strict=False)
        if missing or unknown:
            raise LoadError(
                f"the weights in {folder} do not fit the code beside them: missing {missing[:5]}, "
                f"not known {unknown[:5]}"
            )

    def ask(self, question, answer):
        sampling = {
            "max_tokens": question.max_new_tokens,
            "temperature": question.temperature,
            "top_p": question.top_p,
            # The code of this model reads it wherever settings are given.
            "variant": None,
        }
        said = self._model.query(
            image=question.image, question=question.prompt, stream=True, settings=sampling
        )
        for piece in said["answer"]:
            if not answer.is_wanted():
                return
            answer.say(piece)
