"""The tokens of BERT: words, and pieces of those that the vocabulary does not know."""

import pathlib
import re
import unicodedata

import numpy as np


class WordPieces:
    """Reads `vocab.txt`, one token a line."""

    def __init__(self, vocabulary: pathlib.Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").splitlines()
        self.ids = {token: i for i, token in enumerate(lines)}

    def pieces(self, word: str) -> list[int]:
        found, at = [], 0
        while at < len(word):
            prefix = "##" if at > 0 else ""
            ends = (end for end in range(len(word), at, -1) if prefix + word[at:end] in self.ids)
            end = next(ends, None)
            if end is None:
                return [self.ids["[UNK]"]]
            found.append(self.ids[prefix + word[at:end]])
            at = end
        return found

    def encode(self, text: str) -> list[int]:
        plain = unicodedata.normalize("NFD", text.lower())
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
        words = re.findall(r"\w+|[^\w\s]", plain)
        middle = [piece for word in words for piece in self.pieces(word)]
        return [self.ids["[CLS]"], *middle, self.ids["[SEP]"]]

    def batch(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask, both INT64 [texts, tokens of the longest]."""
        rows = [self.encode(text) for text in texts]
        width = max(map(len, rows))
        ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)], mask[i, : len(row)] = row, 1
        return ids, mask
