"""The vLLM backend: large language models by vLLM's asynchronous engine; `model.json` in the version's
folder holds the engine's arguments, `multi_lora.json` beside it the paths of LoRA weights by name."""

import asyncio
import json
import os
import threading

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import model_file, parameter, parse_config, require
from vllm_embedding import Embedding
from vllm_generation import Generation
from vllm_io import INPUTS, OUTPUTS, value_of

_DEFAULT_MODEL = "model.json"
_LORA_FILE = "multi_lora.json"
_CANCELLATION_CHECK_SECONDS = 0.05


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        config = auto_complete_model_config.as_dict()
        given = {entry["name"] for entry in [*config["input"], *config["output"]]}
        for entry in INPUTS:
            if entry["name"] not in given:
                auto_complete_model_config.add_input(dict(entry))
        for entry in OUTPUTS:
            if entry["name"] not in given:
                auto_complete_model_config.add_output(dict(entry))
        auto_complete_model_config.set_model_transaction_policy({"decoupled": True})
        auto_complete_model_config.set_max_batch_size(0)
        return auto_complete_model_config

    def initialize(self, args):
        self._name = args["model_name"]
        config = parse_config(args)
        with open(model_file(config, _DEFAULT_MODEL), encoding="utf-8") as file:
            arguments = json.load(file)
        _choose_device(args, arguments)
        self._vllm = require("vllm", "vllm", "vllm")
        # Answers' lengths are the metrics' business, not the log's.
        arguments.setdefault("disable_log_stats", True)
        self._loras = _loras(arguments)
        self._checks_health = parameter(config, "ENABLE_VLLM_HEALTH_CHECK").lower() == "true"
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        engine_arguments = self._vllm.AsyncEngineArgs(**arguments)
        self._engine = self._on_loop(self._make_engine(engine_arguments)).result()
        self._tasks = self._on_loop(self._supported_tasks()).result()

    async def _make_engine(self, arguments):
        # On the loop: the engine starts a task of its own there.
        return self._vllm.AsyncLLMEngine.from_engine_args(arguments)

    async def _supported_tasks(self):
        """None where the engine, an older one, does not say."""
        ask = getattr(self._engine, "get_supported_tasks", None)
        return None if ask is None else await ask()

    def _on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def execute(self, requests):
        # Each answers by itself when it has something to say: this returns at once.
        for request in requests:
            self._on_loop(self._answer(request))

    async def _answer(self, request):
        sender = request.get_response_sender()
        try:
            await self._check_health()
            work = asyncio.ensure_future(self._run(request, sender))
            watch = asyncio.ensure_future(_cancel_with(sender, work))
            try:
                await work
            finally:
                watch.cancel()
        except asyncio.CancelledError:
            _fail(sender, pb_utils.TritonError("Request was cancelled", pb_utils.TritonError.CANCELLED))
        except _Unhealthy as error:
            _fail(sender, pb_utils.TritonError(str(error), pb_utils.TritonError.UNAVAILABLE))
        except Exception as error:
            _fail(sender, pb_utils.TritonError(f"Error generating stream: {error}"))

    async def _check_health(self):
        if not self._checks_health:
            return
        try:
            await self._engine.check_health()
        except Exception as error:
            pb_utils.Logger.log_error(f"the engine is not healthy, the model will be unloaded: {error}")
            await self._loop.run_in_executor(None, self._unload)
            raise _Unhealthy("Model is unavailable due to unhealthy vLLM engine") from error

    def _unload(self):
        try:
            pb_utils.unload_model(self._name)
        except pb_utils.TritonModelException as error:
            # Servers that load their models by themselves let nobody else unload them.
            pb_utils.Logger.log_error(f"the model could not be unloaded: {error}")

    async def _run(self, request, sender):
        embeds = value_of(request, "embedding_request", None) is not None
        task = "embed" if embeds else "generate"
        if self._tasks is not None and task not in self._tasks:
            raise ValueError(f"Model {self._name} does not support '{task}' request")
        if embeds:
            await Embedding(self._vllm, request).run(self._engine, sender)
        else:
            await Generation(self._vllm, self._loras, request).run(self._engine, sender)

    def finalize(self):
        self._on_loop(self._end()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _end(self):
        # Without this its processes may outlive ours.
        end = getattr(self._engine, "shutdown", None)
        if end is not None:
            end()


class _Unhealthy(Exception):
    pass


def _fail(sender, error):
    final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
    try:
        sender.send(pb_utils.InferenceResponse(error=error), flags=final)
    except pb_utils.TritonModelException:
        # Its last answer is out already.
        pass


async def _cancel_with(sender, work):
    """The engine drops a request when the task that takes its answers is cancelled."""
    while not sender.is_cancelled():
        await asyncio.sleep(_CANCELLATION_CHECK_SECONDS)
    work.cancel()


def _choose_device(args, arguments):
    """Before vLLM is imported: it takes all GPUs that it sees. Models of several GPUs are of KIND_MODEL."""
    if args["model_instance_kind"] != "GPU":
        return
    sizes = (arguments.get(f"{kind}_parallel_size", 1) for kind in ("tensor", "pipeline"))
    if any(int(size) > 1 for size in sizes):
        raise ValueError(
            "KIND_GPU is currently for single-GPU models, please specify KIND_MODEL in the model's "
            "config.pbtxt for multi-GPU models"
        )
    os.environ["CUDA_VISIBLE_DEVICES"] = args["model_instance_device_id"]


def _loras(arguments):
    """Paths of LoRA weights by name; None where the engine takes none."""
    if str(arguments.get("enable_lora", False)).lower() != "true":
        return None
    arguments["enable_lora"] = True
    path = os.path.join(pb_utils.get_model_dir(), _LORA_FILE)
    if not os.path.isfile(path):
        raise pb_utils.TritonModelException(
            f"model.json enables LoRA: '{path}' with the paths of the weights by name is missing"
        )
    with open(path, encoding="utf-8") as file:
        return json.load(file)
