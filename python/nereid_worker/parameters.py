"""Parameters of requests and responses as models write them."""

import json

from .errors import TritonModelException


def parameters_text(parameters):
    """A dict as JSON text. Raises TritonModelException for what no parameter can hold."""
    if parameters is None:
        return "{}"
    if not isinstance(parameters, dict):
        raise TritonModelException(f"Expect a dict of parameters, got {type(parameters)}")
    for key, value in parameters.items():
        if not isinstance(key, str):
            raise TritonModelException(
                f"Expect parameters keys to have type str, found type {type(key)}"
            )
        if not isinstance(value, (bool, int, str)):
            raise TritonModelException(
                f"Expect parameters values to have type bool/int/str, found type {type(value)}"
            )
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise TritonModelException(f"parameter '{key}' does not fit into 64 bits")
    return json.dumps(parameters)


def parameters_wire(text):
    """JSON text of parameters as messages carry it: integers as text, so that none is rounded."""
    wire = []
    for key, value in json.loads(text).items():
        if isinstance(value, bool):
            wire.append([key, "bool", value])
        elif isinstance(value, int):
            wire.append([key, "int", str(value)])
        elif isinstance(value, float):
            wire.append([key, "double", value])
        else:
            wire.append([key, "string", value])
    return wire


def parameters_from_wire(wire):
    """The reverse of `parameters_wire`."""
    return json.dumps({key: int(v) if kind == "int" else v for key, kind, v in wire})
