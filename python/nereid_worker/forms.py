"""Forms: what requests, and answers, have in common that differ in nothing but their ids and the contents of
their tensors. A message that is a text tells, by its member `forms`, what those of its requests or answers are
called from then on. A message of forms that are known is numbers, in the place of the text; little-endian:

- to execute a batch: its number (8 bytes), and for each request the form (4), its number (8), the length of its
  id in bytes (4), and the id
- the result: the number of the batch (8), and for each answer the form (4)
"""

import struct

from .channel import ALIGNMENT, padded
from .inference_request import InferenceRequest
from .tensor_form import TensorForm, form_of

# Forms that server and worker remember of each other at a time. The server has the same number.
FORM_SLOTS = 64
# Larger payloads go the way of messages that are texts, of whose time they take nearly nothing.
FORM_PAYLOAD_BYTES_MAX = 32 * 1024

_BATCH = struct.Struct("<Q")
_REQUEST = struct.Struct("<IQI")
_RESULT = struct.Struct("<QI")
_PADDINGS = [bytes(padded(size) - size) for size in range(ALIGNMENT)]


class RequestForm:
    """What the server has said of a request that has this form."""

    __slots__ = ("outputs", "names", "timeout", "payload_bytes", "_inputs")

    def __init__(self, head):
        self.outputs = head["outputs"]
        self.names = frozenset(self.outputs)
        self.timeout = head["timeout"]
        self._inputs = []
        offset = 0
        for name, data_type, shape, size in head["inputs"]:
            self._inputs.append(TensorForm(name, data_type, shape, size, offset))
            offset += padded(size)
        self.payload_bytes = offset

    def inputs(self, payload, start):
        """The inputs of a request whose tensors begin there in the payload."""
        return [form.tensor(payload, start) for form in self._inputs]


class RequestForms:
    """The forms of requests that the server has told."""

    def __init__(self):
        self._forms = {}

    def learn(self, numbers, heads):
        """Takes what the requests of a message are called; None for one without a form."""
        for number, head in zip(numbers, heads):
            if number is not None:
                self._forms[number] = RequestForm(head)

    def requests(self, numbers, payload, decoupled):
        """The requests of a batch that is said by numbers, and the number of the batch."""
        requests = []
        start = 0
        at = _BATCH.size
        while at < len(numbers):
            form_number, number, id_bytes = _REQUEST.unpack_from(numbers, at)
            at += _REQUEST.size
            request_id = numbers[at : at + id_bytes].decode() if id_bytes else ""
            at += id_bytes
            form = self._forms[form_number]
            inputs = form.inputs(payload, start)
            start += form.payload_bytes
            requests.append(
                InferenceRequest._of_form(form, number, request_id, inputs, decoupled)
            )
        return requests, _BATCH.unpack_from(numbers)[0]


class AnswerForms:
    """The forms of answers that the server was told."""

    def __init__(self):
        self._numbers = {}
        # By the number of the form, so that a new one takes the place of the oldest.
        self._forms = [None] * FORM_SLOTS
        self._next = 0

    def result(self, batch, answers):
        """Numbers that say the result of a batch; None unless the server knows the forms of all answers, which
        are the tensors of each, or None."""
        numbers = []
        for tensors in answers:
            number = None if tensors is None else self._numbers.get(_form(tensors))
            if number is None:
                return None
            numbers.append(number)
        if len(numbers) == 1:
            return _RESULT.pack(batch, numbers[0])
        return struct.pack(f"<Q{len(numbers)}I", batch, *numbers)

    def learn(self, answers):
        """What the server is to call the forms of answers that it is told in full; None for those without."""
        return [None if tensors is None else self._number(_form(tensors)) for tensors in answers]

    def _number(self, form):
        if form is None:
            return None
        number = self._numbers.get(form)
        if number is None:
            number = self._next
            self._next = (number + 1) % FORM_SLOTS
            self._numbers.pop(self._forms[number], None)
            self._forms[number] = form
            self._numbers[form] = number
        return number


def _form(tensors):
    return form_of(tensors, FORM_PAYLOAD_BYTES_MAX)


def payload_of(answers):
    """The contents of tensors that have forms, as a payload."""
    pieces = []
    for tensors in answers:
        for tensor in tensors:
            data = tensor._array.tobytes()
            pieces.append(data)
            rest = len(data) & (ALIGNMENT - 1)
            if rest:
                pieces.append(_PADDINGS[rest])
    return b"".join(pieces)
