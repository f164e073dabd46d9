"""Ensembles through Triton's own clients: plain ones over HTTP and gRPC, decoupled ones over a stream."""

import os
import queue

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from tritonclient.utils import InferenceServerException

HTTP = os.environ["NEREID_URL"]
GRPC = os.environ["NEREID_GRPC_URL"]


def inputs(module, name, values):
    tensor = module.InferInput(name, [len(values)], "INT32")
    tensor.set_data_from_numpy(np.array(values, dtype=np.int32))
    return [tensor]


@pytest.mark.parametrize("module, url", [(httpclient, HTTP), (grpcclient, GRPC)])
def test_a_chain_of_steps(module, url):
    with module.InferenceServerClient(url) as client:
        result = client.infer(
            "chain", inputs(module, "IN", [3, 4]), request_id="r", sequence_id=9, sequence_start=True
        )
        np.testing.assert_array_equal(result.as_numpy("OUT"), [3, 4])
        response = result.get_response()
        if module is httpclient:
            assert response["id"] == "r"
            assert response["parameters"] == {
                "sequence_id": 9,
                "sequence_start": True,
                "sequence_end": False,
            }
        else:
            assert response.id == "r"
            assert response.parameters["sequence_id"].int64_param == 9


def stream(model, value, empty_final=False, cancel_after=None):
    answers = queue.Queue()
    with grpcclient.InferenceServerClient(GRPC) as client:
        client.start_stream(lambda result, error: answers.put(error or result))
        client.async_stream_infer(
            model, inputs(grpcclient, "IN", [value]), enable_empty_final_response=empty_final
        )
        got = []
        while True:
            answer = answers.get(timeout=60)
            if isinstance(answer, InferenceServerException):
                return got, answer
            final = answer.get_response().parameters["triton_final_response"].bool_param
            values = answer.as_numpy("OUT")
            # What ends the request may be an answer of its own, or the last that has something to say.
            if values is not None:
                got.append(int(values[0]))
            if final:
                return got, None
            if cancel_after == len(got):
                client.stop_stream(cancel_requests=True)
                return got, None


@pytest.mark.parametrize("model", ["many", "limited"])
def test_each_answer_of_a_decoupled_step_goes_through_the_others(model):
    assert stream(model, 5, empty_final=True) == ([5] * 5, None)
    assert stream(model, 0, empty_final=True) == ([], None)


def test_the_error_of_a_step_names_the_ensemble():
    _, error = stream("many", -1)
    assert error.message() == "in ensemble 'many', IN must not be negative, got -1"


def test_every_answer_arrives_under_back_pressure():
    got, error = stream("limited", 500, empty_final=True)
    assert (len(got), error) == (500, None)


def test_a_python_model_of_many_answers_waits_for_the_steps_behind_it():
    leads, error = stream("paced", 100, empty_final=True)
    assert (len(leads), error) == (100, None)
    # Two in the step behind it, one that waits for it, and the one that is being sent.
    assert max(leads) <= 4
    given_up, _ = stream("paced", 100000, cancel_after=3)
    assert len(given_up) == 3
    assert len(stream("paced", 3, empty_final=True)[0]) == 3


def test_a_request_that_is_given_up_leaves_the_ensemble_usable():
    got, _ = stream("limited", 100000, cancel_after=3)
    assert got == [100000] * 3
    assert stream("limited", 2, empty_final=True) == ([2, 2], None)


def test_the_statistics_of_an_ensemble_and_of_its_steps():
    with httpclient.InferenceServerClient(HTTP) as client:
        def counts(model):
            stats = client.get_inference_statistics(model)["model_stats"][0]
            return stats["inference_count"], stats["inference_stats"]["success"]["count"]

        before = [counts("chain"), counts("step")]
        client.infer("chain", inputs(httpclient, "IN", [1]))
        after = [counts("chain"), counts("step")]
        assert [a - b for a, b in zip(after[0], before[0])] == [1, 1]
        assert [a - b for a, b in zip(after[1], before[1])] == [2, 2]


def test_models_come_and_go_with_the_ensembles_that_need_them():
    with httpclient.InferenceServerClient(HTTP) as client:
        client.load_model("later")
        assert client.is_model_ready("later") and client.is_model_ready("only_later")
        client.unload_model("only_later")
        assert not client.is_model_ready("later")
        client.load_model("only_later")
        assert client.is_model_ready("later")
        client.unload_model("later", unload_dependents=True)
        assert not client.is_model_ready("later")
        with pytest.raises(InferenceServerException) as error:
            client.load_model("lacking")
        assert "ensemble lacking contains models that are not available or ambiguous: nowhere" in (
            error.value.message()
        )
