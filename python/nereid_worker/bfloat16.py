"""BF16 in numpy, which has no such type: the elements' bits."""

import numpy as np


class BFloat16Array(np.ndarray):
    """An array of uint16 that holds the bits of BF16 elements: `bits.view(BFloat16Array)`."""
