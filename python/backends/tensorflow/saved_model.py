"""SavedModels: one signature of those that the model was saved with."""

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import model_file, parameter

_DEFAULT_MODEL = "model.savedmodel"
_DEFAULT_SIGNATURE = "serving_default"
_DEFAULT_TAG = "serve"


class SavedModel:
    """`inputs` and `outputs`: their TensorSpec by name."""

    def __init__(self, tensorflow, config):
        tag = parameter(config, "TF_GRAPH_TAG", _DEFAULT_TAG)
        path = model_file(config, _DEFAULT_MODEL)
        # Kept: its variables belong to it.
        self._loaded = tensorflow.saved_model.load(path, tags=[tag])
        name = parameter(config, "TF_SIGNATURE_DEF", _DEFAULT_SIGNATURE)
        signatures = self._loaded.signatures
        if name not in signatures:
            raise pb_utils.TritonModelException(
                f"model '{config['name']}' has no signature '{name}', it has: {', '.join(signatures)}"
            )
        self._signature = signatures[name]
        self.inputs = self._signature.structured_input_signature[1]
        self.outputs = self._signature.structured_outputs

    def call(self, given):
        return self._signature(**given)
