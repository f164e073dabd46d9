"""The responses of a decoupled model that a model has called."""

from .inference_response import response_of


class ResponseIterator:
    """Gives responses as they come. Once through, it can be gone through again."""

    def __init__(self, owner, number):
        self._owner = owner
        self._number = number
        self._finished = False
        self._responses = []
        self._index = 0

    def __iter__(self):
        if self._finished and self._index >= len(self._responses):
            self._index = 0
        return self

    def __next__(self):
        if self._finished:
            if self._index < len(self._responses):
                self._index += 1
                return self._responses[self._index - 1]
            raise StopIteration
        message, payload = self._owner.answer(self._number, last=False)
        self._finished = message.get("final", True)
        response = response_of(message, payload)
        self._responses.append(response)
        self._index = len(self._responses)
        return response

    def _wait_for_first(self):
        self._owner.wait(self._number)

    def next(self):
        return self.__next__()

    def cancel(self):
        """Tells the called model that the rest is not needed. What it answers all the same still comes."""
        if not self._finished:
            self._owner.channel.send(
                {"kind": "cancel-call", "call": self._number, "awaited": True}
            )

    def __del__(self):
        if self._finished:
            return
        self._owner.forget(self._number)
        try:
            self._owner.channel.send_soon({"kind": "cancel-call", "call": self._number})
        except OSError:
            pass


ResponseIterator.__module__ = "c_python_backend_utils"
