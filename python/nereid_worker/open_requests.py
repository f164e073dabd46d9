"""Which requests of a worker have no final answer yet, for cancellations and acknowledgements."""

import weakref


class OpenRequests:
    """The requests of which the server may still say something: those that are executed, and those that were
    and are answered later, without keeping these."""

    def __init__(self):
        self._executed = ()
        self._later = weakref.WeakValueDictionary()
        # Cancelled before they were executed.
        self._cancelled = set()
        # Numbers grow from one request to the next.
        self._latest = 0

    def takes_cancelled(self, states):
        """Whether all of these requests, the next to be executed, were cancelled before."""
        self._latest = states[-1].number
        if not self._cancelled:
            return False
        for state in states:
            state.cancelled = state.number in self._cancelled
        # Those that never came are forgotten, too. Another thread may add to the set meanwhile.
        known = [number for number in list(self._cancelled) if number <= self._latest]
        self._cancelled.difference_update(known)
        return all(state.cancelled for state in states)

    def begin(self, states):
        self._executed = states

    def end(self):
        """What was executed is over: what is not answered is answered later."""
        for state in self._executed:
            if not state.closed:
                self._later[state.number] = state
        self._executed = ()

    def cancel(self, number):
        if number > self._latest:
            self._cancelled.add(number)
            return
        state = self._find(number)
        if state is not None:
            state.cancelled = True

    def acknowledge(self, number):
        state = self._find(number)
        if state is not None:
            state.acknowledged += 1

    def _find(self, number):
        # In this order: one that comes to its end meanwhile is in both.
        for state in self._executed:
            if state.number == number:
                return state
        return self._later.get(number)
