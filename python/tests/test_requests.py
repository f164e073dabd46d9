import numpy as np
import pytest

import triton_python_backend_utils as pb_utils
from nereid_worker.parameters import parameters_from_wire, parameters_wire
from nereid_worker.python_trace import exception_text, ours
from nereid_worker.response_sender import RequestState


def test_errors_have_codes():
    assert pb_utils.TritonError("x").code() == pb_utils.TritonError.INTERNAL
    error = pb_utils.TritonError("x", pb_utils.TritonError.NOT_FOUND)
    assert (error.message(), error.code().name) == ("x", "NOT_FOUND")
    with pytest.raises(TypeError):
        pb_utils.TritonError(5)


def test_responses_check_what_they_are_given():
    with pytest.raises(TypeError):
        pb_utils.InferenceResponse(["not a tensor"])
    with pytest.raises(pb_utils.TritonModelException, match="should not be empty"):
        pb_utils.InferenceResponse([None])
    with pytest.raises(TypeError):
        pb_utils.InferenceResponse([], error="text")
    with pytest.raises(TypeError):
        pb_utils.InferenceResponse(None)
    assert pb_utils.InferenceResponse(error=pb_utils.TritonError("x")).output_tensors() == []
    with pytest.raises(pb_utils.TritonModelException, match="type bool/int/str"):
        pb_utils.InferenceResponse([], parameters={"a": [1]})
    with pytest.raises(pb_utils.TritonModelException, match=", got <class 'list'>"):
        pb_utils.InferenceResponse([], parameters=[])


def test_parameters_survive_the_way():
    response = pb_utils.InferenceResponse(
        [], parameters={"s": "é", "i": 2**53 + 1, "n": -5, "t": True}
    )
    wire = parameters_wire(response.parameters())
    assert wire == [["s", "string", "é"], ["i", "int", str(2**53 + 1)], ["n", "int", "-5"],
                    ["t", "bool", True]]  # fmt: skip
    assert parameters_from_wire(wire).count(str(2**53 + 1)) == 1


def test_senders_count():
    response = pb_utils.InferenceResponse([])
    plain = RequestState(1, set(), decoupled=False)
    with pytest.raises(pb_utils.TritonModelException, match="before sending a response"):
        plain.count(None, 1)
    plain.count(response, 0)
    with pytest.raises(pb_utils.TritonModelException, match="more than one response"):
        plain.count(response, 1)
    plain.count(None, 1)
    many = RequestState(2, set(), decoupled=True)
    many.count(response, 0)
    many.count(response, 0)
    many.count(None, 1)
    with pytest.raises(pb_utils.TritonModelException, match="has been closed"):
        many.count(response, 0)


@pytest.mark.parametrize(
    "arguments", [(None,), (ValueError("x"),), ("text", None), ("text", 1), ("text", "INFO")]
)
def test_the_log_takes_text_and_its_levels_alone(arguments):
    with pytest.raises(TypeError):
        pb_utils.Logger.log(*arguments)


@pytest.mark.parametrize(
    "argument", ["request_id", "correlation_id", "model_version", "flags", "timeout", "inputs"]
)
def test_requests_of_models_need_values(argument):
    arguments = {"model_name": "m", "requested_output_names": ["B"], "inputs": [], argument: None}
    with pytest.raises(TypeError):
        pb_utils.InferenceRequest(**arguments)


def test_requests_of_models_are_checked():
    tensor = pb_utils.Tensor("X", np.zeros(1, dtype=np.float32))
    request = pb_utils.InferenceRequest(
        model_name="m", requested_output_names=["B", "A", "B"], inputs=[tensor]
    )
    assert request.requested_output_names() == {"A", "B"}
    assert request.parameters() == "{}"
    with pytest.raises(pb_utils.TritonModelException, match="in a model that a server runs"):
        request.exec()
    with pytest.raises(pb_utils.TritonModelException, match="no reference"):
        request.get_response_sender()
    with pytest.raises(TypeError):
        pb_utils.InferenceRequest(model_name="m", inputs=[tensor])


def test_traces_end_before_the_worker():
    def model_code():
        raise ValueError("on purpose")

    @ours
    def worker_code():
        model_code()

    with pytest.raises(ValueError) as caught:
        worker_code()
    lines = exception_text(caught.value).split("\n")
    assert lines[:3] == ["ValueError: on purpose", "", "At:"]
    assert len(lines) == 5 and lines[3].endswith("): model_code") and lines[4] == ""


def test_release_flags_say_what_becomes_of_a_request():
    request = pb_utils.InferenceRequest(model_name="m", requested_output_names=[], inputs=[])
    assert not request._is_rescheduled()
    request.set_release_flags(pb_utils.TRITONSERVER_REQUEST_RELEASE_RESCHEDULE)
    assert request._is_rescheduled()
    request.set_release_flags(pb_utils.TRITONSERVER_REQUEST_RELEASE_ALL)
    assert not request._is_rescheduled()
    with pytest.raises(pb_utils.TritonModelException, match="are not known"):
        request.set_release_flags(3)


def test_bytes_are_taken_for_text_as_triton_takes_them():
    name = np.array(["callee"], dtype=object).astype(np.bytes_)[0]
    tensor = pb_utils.Tensor(b"X", np.zeros(1, dtype=np.float32))
    request = pb_utils.InferenceRequest(
        request_id=b"q", model_name=name, requested_output_names=[b"Y"], inputs=[tensor]
    )
    assert (request.model_name(), request.request_id()) == ("callee", "q")
    assert request.requested_output_names() == {"Y"}
    assert tensor.name() == "X"
    assert pb_utils.TritonError(b"x\xff").message() == "x\ufffd"
    with pytest.raises(TypeError, match="model_name must be str"):
        pb_utils.InferenceRequest(model_name=5, requested_output_names=[], inputs=[])


def test_traces_know_their_request():
    head = {
        "number": 7, "id": "", "correlation": 0, "outputs": [], "flags": 0, "timeout": 0,
        "parameters": "{}", "inputs": [],
    }  # fmt: skip
    context = '{"traceparent":"00-a-b-01"}'
    of = pb_utils.InferenceRequest._of_server
    traced = of({**head, "trace": context}, [], False).trace()
    assert (traced._request, traced.get_context()) == (7, context)
    own = of({**head, "trace": ""}, [], False).trace()
    assert (own._request, own.get_context()) == (7, None)
    none = of(head, [], False).trace()
    assert (none._request, none.get_context()) == (0, None)
    assert pb_utils.InferenceTrace().get_context() is None
