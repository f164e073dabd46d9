"""Texts as models give them: Triton's own module takes bytes wherever it takes text."""


def text_of(value, what):
    """`value` as str. Raises TypeError, which names `what`, where it is no text."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        # What is no text cannot travel as text: half of one still says something.
        return value.decode("utf-8", "replace")
    raise TypeError(f"{what} must be str, not {type(value).__name__}")
