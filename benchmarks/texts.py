"""Whether what was read is what is in the image: a wrong text makes a benchmark fail, however fast it was."""

import functools
from collections.abc import Iterable
from typing import Final

from .accuracy.scoring import tally
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
    """How many words must be changed, added or taken away. Kept: the same few texts come again."""
    return tally(expected, text).wrong_words
