"""Runs one instance of a model: loads it, and does what the server asks."""

import asyncio
import os
import sys
import threading
import time

from .errors import TritonModelException
from .forms import AnswerForms, RequestForms, payload_of
from .inference_request import InferenceRequest
from .inference_response import InferenceResponse, response_message, wanted_tensors
from .model_config import ModelConfig
from .open_requests import OpenRequests
from .python_trace import exception_text, ours
from .response_sender import RESPONSE_COMPLETE_FINAL
from .tensor_wire import TensorReader

# After longer runs it is looked whether requests that wait were cancelled; after others they are as good as run.
_SHORT_RUN_SECONDS = 0.001


class ModelFault(Exception):
    """What is wrong with what the model has returned; its text is said without a type before it."""


class ModelRunner:
    """One model, from its import to its end. Used by the main thread alone."""

    def __init__(self, owner):
        self._owner = owner
        self._channel = owner.channel
        self._module = None
        self._model = None
        self._loop = None
        self._loop_lock = threading.Lock()
        self._model_path = ""
        self._background = set()
        self._request_forms = RequestForms()
        self._answer_forms = AnswerForms()
        # Requests that have no final answer yet, for cancellations.
        self._open = OpenRequests()
        self._channel.on("cancel", lambda message, _payload: self._open.cancel(message["request"]))
        self._channel.on(
            "acknowledge", lambda message, _payload: self._open.acknowledge(message["request"])
        )

    def serve(self, region=None):
        """Until the server says `finalize` or has gone."""
        self._region = region
        actions = {
            "setup": self._setup,
            "auto-complete": self._auto_complete,
            "initialize": self._initialize,
        }
        while True:
            work = self._channel.next_work()
            if work is None:
                # Nobody is left to finalize for; threads of the model must not hold the process.
                os._exit(0)
            message, payload = work
            kind = message["kind"] if type(message) is dict else "execute"
            if kind == "execute":
                start = time.monotonic()
                self._execute(message, payload)
                # Not kept until the next request comes.
                del work, message, payload
                if time.monotonic() - start > _SHORT_RUN_SECONDS:
                    self._channel.poll()
            elif kind == "finalize":
                self._finalize()
                return
            else:
                self._reply(kind, actions[kind], message)

    def _reply(self, kind, action, message):
        try:
            answer = action(message)
            self._channel.send({"kind": "done", "of": kind, "error": None, **(answer or {})})
        except ModelFault as fault:
            self._channel.send({"kind": "done", "of": kind, "error": str(fault)})
        except BaseException as error:  # A model may call sys.exit(): that is its failure, not the end.
            self._channel.send({"kind": "done", "of": kind, "error": exception_text(error)})

    @ours
    def _setup(self, message):
        if message["region"]:
            self._channel.region = self._region
        owner = self._owner
        owner.model_name = message["modelName"]
        owner.instance_name = message["instanceName"]
        owner.model_directory = message["versionDirectory"]
        runtime = message.get("runtimeDirectory")
        folder = owner.model_directory if runtime is None else runtime
        path = self._model_path = os.path.join(folder, message["fileName"])
        if not os.path.isfile(path):
            raise ModelFault(f"Python model file not found in '{path}'")
        if not path.endswith(".py"):
            raise ModelFault(
                f"Model name must end with '.py'. Model name is \"{message['fileName']}\"."
            )
        sys.path.append(folder)
        name = message["fileName"][:-3]
        if runtime is None:
            sys.path.append(os.path.dirname(folder))
            name = f"{os.path.basename(folder)}.{name}"
        # Not importlib.import_module, whose own frames would stand in the trace of a model's error.
        __import__(name)
        self._module = sys.modules[name]

    @ours
    def _auto_complete(self, message):
        config = ModelConfig(message["config"])
        model_class = self._module.TritonPythonModel
        if not hasattr(model_class, "auto_complete_config"):
            return {"config": None}
        config = model_class.auto_complete_config(config)
        if not isinstance(config, ModelConfig):
            raise ModelFault(
                f"auto_complete_config function in model '{self._owner.model_name}' must return a valid "
                "pb.ModelConfig object."
            )
        return {"config": config.as_dict()}

    @ours
    def _initialize(self, message):
        owner = self._owner
        owner.decoupled = message["decoupled"]
        owner.instance_name = message["arguments"]["model_instance_name"]
        self._model = self._module.TritonPythonModel()
        if hasattr(self._model, "initialize"):
            self._model.initialize(message["arguments"])
        owner.initialized = True
        has_readiness = hasattr(self._model, "is_ready")
        if has_readiness:
            self._channel.on("is-ready", lambda _message, _payload: self._start_check())
            self._channel.read_always()
        return {"hasReadiness": has_readiness}

    def _start_check(self):
        # Not on the thread that reads: the model may call others.
        threading.Thread(target=self._check_readiness, daemon=True).start()

    def _check_readiness(self):
        ready, text = False, None
        try:
            ready = self._ask_model()
            if not isinstance(ready, bool):
                ready, text = False, "is_ready() must return a boolean value"
        except BaseException as error:
            text = exception_text(error)
        self._channel.send({"kind": "readiness", "ready": ready, "error": text})

    @ours
    def _ask_model(self):
        answer = self._model.is_ready()
        if asyncio.iscoroutine(answer):
            return asyncio.run_coroutine_threadsafe(answer, self._event_loop()).result()
        return answer

    def _execute(self, message, payload):
        requests, batch, grant = self._requests_of(message, payload)
        states = [request._state for request in requests]
        numbers, reply, arrays = None, None, []
        try:
            if self._open.takes_cancelled(states):
                reply = {**self._failed(states, batch, None), "skipped": True}
            else:
                self._open.begin(states)
                responses = self._run(requests)
                self._check_answers(requests, responses)
                answers = _formable(requests, responses)
                numbers = self._answer_forms.result(batch, answers)
                if numbers is None:
                    reply = self._answer_in_full(batch, requests, responses, answers, arrays)
        except ModelFault as fault:
            reply, arrays = self._failed(states, batch, str(fault)), ()
        except BaseException as error:
            reply, arrays = self._failed(states, batch, exception_text(error)), ()
        self._open.end()
        # The server may use the memory again that the model has not kept: it is told so with the answer.
        del payload, requests, states
        responses = None
        if numbers is not None:
            self._channel.send_numbers(numbers, payload_of(answers))
        else:
            answers = None
            self._channel.send(reply, arrays, grant)

    def _requests_of(self, message, payload):
        """The requests of a batch, its number, and the memory that is granted for its answers."""
        decoupled = self._owner.decoupled
        if type(message) is not dict:
            return *self._request_forms.requests(message, payload, decoupled), None
        heads = message["requests"]
        self._request_forms.learn(message.get("forms", ()), heads)
        reader = TensorReader(payload, self._channel.shared)
        requests = [
            InferenceRequest._of_server(head, reader.take(head["inputs"]), decoupled)
            for head in heads
        ]
        return requests, message["batch"], message.get("grant")

    @staticmethod
    def _failed(states, batch, text):
        for state in states:
            state.close()
        return {"kind": "result", "batch": batch, "error": text, "responses": []}

    def _answer_in_full(self, batch, requests, responses, answers, arrays):
        """The result of a batch; adds to `arrays` what the payload carries."""
        if responses is None:
            responses = [None] * len(requests)
        shared = self._channel.shared
        messages = [
            self._left_open(request)
            if response is None
            else response_message(response, request._state.names, arrays, shared, request._places)
            for request, response in zip(requests, responses)
        ]
        forms = self._answer_forms.learn(answers)
        result = {"kind": "result", "batch": batch, "error": None, "responses": messages}
        return {**result, "forms": forms}

    @ours
    def _run(self, requests):
        if not hasattr(self._model, "execute"):
            raise ModelFault(
                f"Python model {self._model_path} does not implement `execute` method."
            )
        returned = self._model.execute(requests)
        if returned is None or type(returned) is list or not asyncio.iscoroutine(returned):
            return returned
        future = asyncio.run_coroutine_threadsafe(returned, self._event_loop())
        if not self._owner.decoupled:
            return future.result()
        self._background.add(future)
        future.add_done_callback(self._background_done)
        return None

    def _background_done(self, future):
        self._background.discard(future)
        error = future.exception()
        if error is not None:
            self._owner.log("ERROR", exception_text(error))

    def _check_answers(self, requests, responses):
        """Raises ModelFault for what `execute` must not return."""
        if responses is None:
            return
        if self._owner.decoupled:
            raise ModelFault(
                f"Python model '{self._owner.instance_name}' is using the decoupled mode and the execute "
                "function must return None."
            )
        if not isinstance(responses, list):
            raise ModelFault(
                f"Expected a list in the execute return, found type '{type(responses)}'."
            )
        if len(requests) != len(responses):
            raise ModelFault(
                "Number of InferenceResponse objects do not match the number of InferenceRequest "
                f"objects. InferenceRequest(s) size is:{len(requests)}, and InferenceResponse(s) size "
                f"is:{len(responses)}\n"
            )
        for request, response in zip(requests, responses):
            if response is None:
                continue
            if request._is_rescheduled():
                raise ModelFault(
                    "Expected a None object in the execute function return list for reschduled "
                    f"request, found type '{type(response)}'."
                )
            if not isinstance(response, InferenceResponse):
                raise ModelFault(
                    "Expected an 'InferenceResponse' object in the execute function return list, found "
                    f"type '{type(response)}'."
                )
            try:
                request._state.count(response, RESPONSE_COMPLETE_FINAL)
            except TritonModelException as error:
                raise ModelFault(str(error)) from None

    def _left_open(self, request):
        """For a request that `execute` did not answer: nothing, if the model has a sender for it."""
        if request._is_rescheduled():
            request._state.close()
            return {"reschedule": True}
        if request._sender_taken or self._owner.decoupled:
            return None
        request._state.close()
        text = (
            f"Failed to process the request(s) for model '{self._owner.instance_name}', message: the "
            "execute function returned None for a request and did not take its response sender: nothing "
            "can answer it."
        )
        return {"error": {"code": "INTERNAL", "message": text}}

    def _event_loop(self):
        with self._loop_lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True).start()
            return self._loop

    def _finalize(self):
        self._owner.finalizing = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
        if self._model is not None and hasattr(self._model, "finalize"):
            self._reply("finalize", lambda _message: _call_finalize(self._model), None)
        else:
            self._channel.send({"kind": "done", "of": "finalize", "error": None})


@ours
def _call_finalize(model):
    model.finalize()


def _formable(requests, responses):
    """The tensors of each response; None where there is more than tensors to it, or less."""
    if responses is None:
        return [None] * len(requests)
    return [
        None
        if response is None or response._error is not None or response._parameters != "{}"
        else wanted_tensors(response, request._state.names)
        for request, response in zip(requests, responses)
    ]
