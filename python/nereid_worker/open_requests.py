"""Which requests of a worker have no final answer yet, for cancellations and acknowledgements."""

import weakref


class OpenRequests:
    """The requests of which the server may still say something, without keeping them."""

    def __init__(self):
        self._states = weakref.WeakValueDictionary()
        self._cancelled = set()
        # Numbers grow from one request to the next.
        self._latest = 0

    def add(self, states):
        for state in states:
            self._states[state.number] = state

    def takes_cancelled(self, states):
        """Whether all of these requests, the next to be executed, were cancelled before."""
        self._latest = states[-1].number
        if not self._cancelled:
            return False
        numbers = {state.number for state in states}
        found = self._cancelled & numbers
        self._cancelled -= found
        return found == numbers

    def cancel(self, number):
        if number > self._latest:
            self._cancelled.add(number)
            return
        state = self._states.get(number)
        if state is not None:
            state.cancelled = True

    def acknowledge(self, number):
        state = self._states.get(number)
        if state is not None:
            state.acknowledged += 1
