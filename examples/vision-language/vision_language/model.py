"""The life of a model in the server: `TritonPythonModel` of each `model.py` derives from this."""

import numpy as np
import triton_python_backend_utils as pb_utils

from .answer import Answer
from .device import choose_device, choose_dtype
from .errors import LoadError, RequestError
from .packages import require
from .question import read_question
from .settings import read_settings
from .weights import incomplete, weights_folder


class VisionLanguageModel:
    """
    Inputs `image` (UINT8 [-1]: the bytes of a PNG or JPEG file) and `prompt` (STRING [1]), output `generated_text`
    (STRING [1]). Where the configuration says `decoupled`, each response holds the next piece of the text.
    """

    #: The repository of the hub with the weights, and which state of it.
    model_id = ""
    revision = "main"
    #: The repository holds code that has to be run.
    with_code = False
    #: What `dtype: auto` stands for; None: what suits the device.
    auto_dtype = None

    def load(self, folder, device, dtype):
        """Loads the weights of a folder."""
        raise NotImplementedError

    def ask(self, question, answer):
        """Says the answer to a question, in pieces."""
        raise NotImplementedError

    def initialize(self, args):
        try:
            self.settings = read_settings(args, self.model_id, self.revision)
            self._check_code_is_trusted()
            self._load()
        except LoadError as error:
            raise pb_utils.TritonModelException(f"{args['model_name']}: {error}") from None

    def _check_code_is_trusted(self):
        if self.with_code and not self.settings.trust_remote_code:
            raise LoadError(
                f"the code of this model comes with its weights ({self.settings.model_id}): read it, and set "
                "the parameter 'trust_remote_code' to \"true\" in config.pbtxt to have it run"
            )

    def _load(self):
        require("PIL")
        # Before PyTorch, which takes seconds to import.
        folder = weights_folder(self.settings, pb_utils.Logger.log_info, self.with_code)
        torch = require("torch")
        _without_progress_bars()
        device = choose_device(torch, self.settings, pb_utils.Logger.log_warn)
        dtype = choose_dtype(torch, self.settings, device, self.auto_dtype)
        try:
            self.load(folder, device, dtype)
        except LoadError:
            raise
        except Exception as error:
            raise incomplete(self.settings, folder, error) from error
        pb_utils.Logger.log_info(f"{self.settings.name}: loaded {folder} on {device} as {dtype}")

    def execute(self, requests):
        if self.settings.decoupled:
            for request in requests:
                self._stream(request)
            return None
        return [self._respond(request) for request in requests]

    def _respond(self, request):
        answer = Answer(None, request.is_cancelled)
        error = self._answer(request, answer)
        return _response(answer.text()) if error is None else _response(error=error)

    def _stream(self, request):
        sender = request.get_response_sender()
        answer = Answer(lambda piece: sender.send(_response(piece)), sender.is_cancelled)
        error = self._answer(request, answer)
        if error is not None:
            sender.send(_response(error=error))
        sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def _answer(self, request, answer):
        """None, or the TritonError of this request alone."""
        try:
            self.ask(read_question(pb_utils, request, self.settings), answer)
        except RequestError as error:
            return pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
        except Exception as error:
            pb_utils.Logger.log_error(f"{self.settings.name}: {type(error).__name__}: {error}")
            return pb_utils.TritonError(f"{self.settings.name} failed: {type(error).__name__}: {error}")
        if not answer.is_wanted():
            return pb_utils.TritonError("request cancelled", pb_utils.TritonError.CANCELLED)
        return None


def _without_progress_bars():
    """They would stand in the server's log."""
    require("transformers").utils.logging.disable_progress_bar()


def _response(text=None, error=None):
    if error is not None:
        return pb_utils.InferenceResponse(output_tensors=[], error=error)
    data = np.array([text.encode("utf-8")], dtype=np.object_)
    return pb_utils.InferenceResponse([pb_utils.Tensor("generated_text", data)])
