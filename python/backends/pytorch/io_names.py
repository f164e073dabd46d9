"""Names of inputs and outputs that say which ones of a model's they are."""

import re

_INDEXED = re.compile(r"^.+__(\d+)$")


def index_of(name):
    """The place that a name such as INPUT__0 gives; None for another name."""
    match = _INDEXED.match(name)
    return None if match is None else int(match.group(1))


def places_of(names):
    """The place of each name: that which it ends in if all do, else its position."""
    indices = [index_of(name) for name in names]
    return dict(zip(names, range(len(names)) if None in indices else indices))


def leaf_names(prefix, structure):
    """Names of the leaves of nested tuples, lists and dictionaries, in Triton's form: `ARGS[2][key]`."""
    if isinstance(structure, dict):
        entries = structure.items()
    elif isinstance(structure, (tuple, list)):
        entries = enumerate(structure)
    else:
        return [prefix]
    return [name for key, value in entries for name in leaf_names(f"{prefix}[{key}]", value)]
