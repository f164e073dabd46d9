"""Trains `scribe`, which goes on with a text letter by letter, and writes its counts.

Data: the topics of Python's own `help()`, which the interpreter ships (`pydoc_data`, PSF licence): chapters
of its language reference. Every tenth paragraph is held out.
The model is an n-gram model of letters: how often each letter followed the letters before it. It has read
one book and is a few hundred kilobytes large: it shows how text models are served, and knows nothing.
"""

import collections
import pathlib
import re
import sys

import numpy as np
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


def packed(found: collections.Counter) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys, a context with its length and a letter in 64 bits each, and counts."""
    totals = collections.Counter()
    for (context, _), count in found.items():
        totals[context] += count
    rows = sorted(
        (key(context, letter), min(count, 65535))
        for (context, letter), count in found.items()
        if len(context) < RARE_ORDER or totals[context] >= RARE_COUNT
    )
    keys, values = zip(*rows)
    return np.array(keys, dtype=np.uint64), np.array(values, dtype=np.uint16)


def key(context: str, letter: str) -> int:
    number = len(context)
    for character in context + letter:
        number = number << BITS | ord(character)
    return number


def main() -> None:
    texts = paragraphs()
    held_out = texts[::10]
    text = "\n".join(t for i, t in enumerate(texts) if i % 10) + "\n"
    keys, values = packed(counts(text))
    folder = EXAMPLES / "text-models" / "scribe" / "1"
    folder.mkdir(parents=True, exist_ok=True)
    # Keys differ little from one to the next: differences compress better.
    np.savez_compressed(folder / "scribe.npz", steps=np.diff(keys, prepend=np.uint64(0)), counts=values)
    print(f"{len(texts) - len(held_out)} paragraphs, {len(text)} letters, {len(keys)} n-grams")
    check(folder, held_out)


def check(folder: pathlib.Path, texts: list[str]) -> None:
    """Tells how well the model foresees what it has not read."""
    sys.path.insert(0, str(folder))
    from letters import Letters

    model = Letters(folder / "scribe.npz")
    chances = np.concatenate(
        [[model.probabilities(t[:at])[ord(t[at])] for at in range(len(t))] for t in texts]
    )
    right = [int(model.probabilities(t[:at]).argmax()) == ord(t[at]) for t in texts for at in range(len(t))]
    print(f"held out: {-np.log2(chances).mean():.2f} bits a letter, {np.mean(right):.1%} foreseen")


if __name__ == "__main__":
    main()
