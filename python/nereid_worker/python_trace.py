"""Exceptions in Triton's words: `Type: text`, then the calls, innermost first."""

_own_code = set()


def ours(function):
    """Marks a function of the worker that calls the model: a trace ends before it."""
    _own_code.add(function.__code__)
    return function


def exception_text(error):
    """`ValueError: text\\n\\nAt:\\n  file(line): function\\n`, without `At:` when no code of the model ran."""
    text = f"{type(error).__name__}: {error}"
    trace = error.__traceback__
    if trace is None:
        return text
    while trace.tb_next is not None:
        trace = trace.tb_next
    lines = []
    frame = trace.tb_frame
    line = trace.tb_lineno
    while frame is not None and frame.f_code not in _own_code:
        lines.append(f"  {frame.f_code.co_filename}({line}): {frame.f_code.co_name}\n")
        frame = frame.f_back
        line = frame.f_lineno if frame is not None else 0
    return text + "\n\nAt:\n" + "".join(lines) if lines else text
