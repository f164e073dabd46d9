import struct

import numpy as np
import pytest

import triton_python_backend_utils as pb_utils
from nereid_worker.forms import FORM_PAYLOAD_BYTES_MAX, FORM_SLOTS, AnswerForms, RequestForms, payload_of

HEAD = {
    "outputs": ["Y"],
    "timeout": 7,
    "inputs": [["A", "FP32", [1, 2], 8], ["N", "INT64", [0], 0], ["T", "BYTES", [1], 7]],
}


def numbers(batch, *requests):
    message = struct.pack("<Q", batch)
    for form, number, request_id in requests:
        message += struct.pack("<IQI", form, number, len(request_id)) + request_id
    return message


def payload(first):
    text = b"\x03\x00\x00\x00abc"
    return np.array([first, 2], np.float32).tobytes() + bytes(56) + text + bytes(57)


def test_requests_of_known_forms_are_made_from_numbers():
    forms = RequestForms()
    forms.learn([None, 3], [{}, HEAD])
    message = numbers(2**40, (3, 2**33, b""), (3, 6, "é".encode()))
    requests, batch = forms.requests(message, bytearray(payload(1) + payload(5)), False)
    assert batch == 2**40
    assert [request._state.number for request in requests] == [2**33, 6]
    assert [request.request_id() for request in requests] == ["", "é"]
    for request, first in zip(requests, [1, 5]):
        a, n, t = request.inputs()
        assert (a.as_numpy().tolist(), a.shape()) == ([[first, 2]], [1, 2])
        assert (n.as_numpy().shape, n.as_numpy().dtype) == ((0,), np.int64)
        assert t.as_numpy().tolist() == [b"abc"]
        assert (request.timeout(), request.flags(), request.correlation_id()) == (7, 0, 0)
        assert (request.requested_output_names(), request.parameters()) == ({"Y"}, "{}")
        a.as_numpy()[0, 0] = 9
        request._state.close()
    assert requests[0].inputs()[0].as_numpy()[0, 0] == 9


def test_a_form_can_be_told_anew():
    forms = RequestForms()
    forms.learn([0], [HEAD])
    forms.learn([0], [{**HEAD, "inputs": [["B", "UINT8", [3], 3]]}])
    (request,), _ = forms.requests(numbers(1, (0, 1, b"")), bytearray(b"abc" + bytes(61)), False)
    request._state.close()
    assert [(t.name(), t.as_numpy().tolist()) for t in request.inputs()] == [("B", [97, 98, 99])]


def tensors(*arrays):
    return [pb_utils.Tensor(f"Y{index}", array) for index, array in enumerate(arrays)]


def test_answers_have_numbers_once_they_were_told():
    forms = AnswerForms()
    answer = tensors(np.zeros((2, 2), np.float32), np.zeros(0, np.int8))
    assert forms.result(5, [answer]) is None
    assert forms.learn([answer, None]) == [0, None]
    assert forms.result(5, [answer]) == struct.pack("<QI", 5, 0)
    assert forms.result(2**40, [answer, answer]) == struct.pack("<QII", 2**40, 0, 0)
    other = tensors(np.zeros((4,), np.float32), np.zeros(0, np.int8))
    assert forms.result(5, [answer, other]) is None
    assert forms.learn([other, answer]) == [1, 0]


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a"], np.object_),
        np.array([b"a"]),
        np.zeros(FORM_PAYLOAD_BYTES_MAX + 1, np.uint8),
    ],
)
def test_texts_and_large_tensors_have_no_form(array):
    forms = AnswerForms()
    assert forms.learn([tensors(array)]) == [None]
    assert forms.result(5, [tensors(array)]) is None


def test_the_oldest_form_gives_way():
    forms = AnswerForms()
    for size in range(FORM_SLOTS + 1):
        assert forms.learn([tensors(np.zeros(size))]) == [size % FORM_SLOTS]
    assert forms.result(1, [tensors(np.zeros(0))]) is None
    assert forms.result(1, [tensors(np.zeros(1))]) == struct.pack("<QI", 1, 1)


def test_payloads_hold_each_tensor_at_its_place():
    answers = [tensors(np.arange(3, dtype=np.uint8)), tensors(np.zeros(64, np.uint8), np.ones(1, np.uint8))]
    assert payload_of(answers) == b"\0\1\2" + bytes(61) + bytes(64) + b"\1" + bytes(63)
