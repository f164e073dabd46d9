"""Trains `scribe`, which goes on with a text letter by letter, and writes its counts.

Data: the topics of Python's own `help()`, which the interpreter ships (`pydoc_data`, PSF licence): chapters
of its language reference. Every tenth paragraph is held out.
The model is an n-gram model of letters: how often each letter followed the letters before it. It has read
one book and is a few hundred kilobytes large: it shows how text models are served, and knows nothing.
"""

import bisect
import collections
import gzip
import math
import pathlib
import re

from pydoc_data.topics import topics

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent
ORDER_MAX = 6
# Contexts that were seen less often than this are left to shorter ones, from this length on.
RARE_ORDER = 3
RARE_COUNT = 3
BITS = 7


def paragraphs() -> list[str]:
    """Running text: without examples, grammar, tables and markup; what stands in two topics once."""
    found = {}
    for _, text in sorted(topics.items()):
        for paragraph in text.split("\n\n"):
            if paragraph.startswith(" ") or re.search(r"::=|\n[*=~^-]{3}|\+--|>>>", paragraph):
                continue
            plain = " ".join(paragraph.replace("*", "").split()).encode("ascii", "ignore").decode()
            if len(plain) > 60:
                found[plain] = None
    return list(found)


def counts(text: str) -> collections.Counter:
    """How often each letter followed each context of up to ORDER_MAX letters."""
    found = collections.Counter()
    for order in range(ORDER_MAX + 1):
        for at in range(order, len(text)):
            found[text[at - order : at], text[at]] += 1
    return found


def packed(found: collections.Counter) -> tuple[list[int], list[int]]:
    """Sorted keys, a context with its length and a letter in 52 bits each, and counts."""
    totals = collections.Counter()
    for (context, _), count in found.items():
        totals[context] += count
    rows = sorted(
        (key(context, letter), count)
        for (context, letter), count in found.items()
        if len(context) < RARE_ORDER or totals[context] >= RARE_COUNT
    )
    keys, values = zip(*rows)
    return list(keys), list(values)


def key(context: str, letter: str) -> int:
    number = len(context)
    for character in context + letter:
        number = number << BITS | ord(character)
    return number


def numbers(values: list[int]) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    found = bytearray()
    for value in values:
        while value > 127:
            found.append(value & 127 | 128)
            value >>= 7
        found.append(value)
    return bytes(found)


def main() -> None:
    texts = paragraphs()
    held_out = texts[::10]
    text = "\n".join(t for i, t in enumerate(texts) if i % 10) + "\n"
    keys, values = packed(counts(text))
    # Keys differ little from one to the next: steps compress better.
    steps = [key - before for before, key in zip([0, *keys], keys)]
    content = gzip.compress(numbers([len(keys), *steps, *values]), 9, mtime=0)
    (EXAMPLES / "models" / "scribe" / "1" / "scribe.bin.gz").write_bytes(content)
    print(f"{len(texts) - len(held_out)} paragraphs, {len(text)} letters, {len(keys)} n-grams, {len(content)} bytes")
    check(Model(keys, values), held_out)


class Model:
    """What 1/letters.mjs does, to tell how good it is."""

    def __init__(self, keys: list[int], values: list[int]):
        self._keys, self._counts = keys, values

    def probabilities(self, text: str) -> list[float]:
        known = text[-ORDER_MAX:]
        mixed = [1 / 128] * 128
        for order in range(len(known) + 1):
            prefix = key(known[len(known) - order :], "\0") >> BITS
            first = bisect.bisect_left(self._keys, prefix << BITS)
            end = bisect.bisect_left(self._keys, prefix + 1 << BITS)
            if first == end:
                break
            total = end - first + sum(self._counts[first:end])
            mixed = [chance * (end - first) / total for chance in mixed]
            for at in range(first, end):
                mixed[self._keys[at] & 127] += self._counts[at] / total
        return mixed


def check(model: Model, texts: list[str]) -> None:
    """Tells how well the model foresees what it has not read."""
    bits, foreseen, count = 0.0, 0, 0
    for text in texts:
        for at, letter in enumerate(text):
            chances = model.probabilities(text[:at])
            bits -= math.log2(chances[ord(letter)])
            foreseen += chances.index(max(chances)) == ord(letter)
            count += 1
    print(f"held out: {bits / count:.2f} bits a letter, {foreseen / count:.1%} foreseen")


if __name__ == "__main__":
    main()
