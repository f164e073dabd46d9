"""A text in the making: handed out piece by piece, or kept until it is whole."""


class Answer:
    """`say` takes the pieces in order; `is_wanted` tells whether anybody still waits for them."""

    def __init__(self, send, is_cancelled):
        self._send = send
        self._is_cancelled = is_cancelled
        self._pieces = []

    def say(self, piece):
        if piece == "":
            return
        if self._send is None:
            self._pieces.append(piece)
        else:
            self._send(piece)

    def is_wanted(self):
        return not self._is_cancelled()

    def text(self):
        """What was said so far, where it was not sent."""
        return "".join(self._pieces)
