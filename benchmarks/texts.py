"""Whether what was read is what is in the image: a wrong text makes a benchmark fail, however fast it was. Pure."""

import functools
from collections.abc import Iterable
from typing import Final

from .images import Sample

MOST_WORDS_WRONG: Final = 0.02
"""Part of a page's words that may be wrong, missing or too many. A word alone must be right."""


class WrongText(Exception):
    """Something else was read than is in the image; the message says what."""


def check(sample: Sample, text: str) -> None:
    """Raises WrongText."""
    allowed = MOST_WORDS_WRONG * len(sample.text.split())
    if errors(sample.text, text) > allowed:
        raise WrongText(f"{sample.name} is read as {text[:200]!r} and has {sample.text[:200]!r}")


def error_rate(read: Iterable[tuple[Sample, str]]) -> float:
    """Part of the words that are wrong, missing or too many."""
    pairs = list(read)
    return sum(errors(sample.text, text) for sample, text in pairs) / sum(len(one.text.split()) for one, _ in pairs)


@functools.lru_cache(maxsize=1024)
def errors(expected: str, text: str) -> int:
    """How many words must be changed, added or taken away: the edit distance over words, whitespace being all alike."""
    mine, its = expected.split(), text.split()
    row = list(range(len(its) + 1))
    for number, word in enumerate(mine, 1):
        before, row[0] = row[0], number
        for column, other in enumerate(its, 1):
            before, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, before + (word != other)),
            )
    return row[-1]
