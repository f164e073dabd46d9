"""Errors that are told to users as they are."""


class RequestError(ValueError):
    """A request that cannot be answered: its sender can mend it."""


class LoadError(RuntimeError):
    """A model that cannot be loaded: its message says what is missing and what to run."""
