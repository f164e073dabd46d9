"""The model `simple` of the examples: the sums and the differences of sixteen pairs of numbers."""

import numpy as np

FIRST = np.arange(16, dtype=np.int32)[None]
SECOND = np.full((1, 16), 3, np.int32)


def simple_inputs(triton, first=FIRST, second=SECOND, **options):
    """Its inputs for the client of the module `triton`, whose `set_data_from_numpy` is given the options."""
    inputs = []
    for name, values in (("INPUT0", first), ("INPUT1", second)):
        given = triton.InferInput(name, values.shape, "INT32")
        given.set_data_from_numpy(values, **options)
        inputs.append(given)
    return inputs
