"""An n-gram model of letters: examples/training/train_scribe.py counts, this reads."""

import pathlib

import numpy as np

ORDER_MAX = 6
BITS = 7
LETTERS = 1 << BITS


class Letters:
    def __init__(self, path: pathlib.Path):
        with np.load(path) as file:
            self._keys = np.cumsum(file["steps"], dtype=np.uint64)
            self._counts = file["counts"].astype(np.float64)

    def probabilities(self, text: str) -> np.ndarray:
        """Of each letter to come next: [128], FP64, sum 1. Each longer context corrects the shorter ones
        by as much as it was seen (Witten and Bell's interpolation)."""
        known = text[-ORDER_MAX:].encode("ascii", "replace").decode()
        mixed = np.full(LETTERS, 1.0 / LETTERS)
        for order in range(len(known) + 1):
            context = known[len(known) - order :]
            letters, counts = self._followers(context)
            if letters.size == 0:
                break
            total = counts.sum() + letters.size
            mixed *= letters.size / total
            mixed[letters] += counts / total
        return mixed / mixed.sum()

    def _followers(self, context: str) -> tuple[np.ndarray, np.ndarray]:
        prefix = len(context)
        for character in context:
            prefix = prefix << BITS | ord(character)
        first, end = np.searchsorted(
            self._keys, np.array([prefix << BITS, (prefix + 1) << BITS], dtype=np.uint64)
        )
        letters = (self._keys[first:end] & np.uint64(LETTERS - 1)).astype(np.int64)
        return letters, self._counts[first:end]
