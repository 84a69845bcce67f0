"""What is to be reached, by character error in points and by places of words. Pure."""

from collections.abc import Iterator
from typing import Final

from .scoring import Tally

WORSE_BY: Final = 0.1
"""By how much no class may be worse than plain Tesseract."""

BAD: Final = 2.0
"""Where plain Tesseract's error is above this, ours is to be at most half of it."""

TURNED_BY: Final = 1.0
"""By how much pages that lie on a side or on their head may be worse than upright ones."""


def misses(
    plain: Tally, ours: Tally, *, every_word: bool = False, upright: Tally | None = None, misplaced: int = 0
) -> Iterator[str]:
    """What is not reached, a few words each.

    every_word: each text is to be right. upright: ours on the same pages before they were turned, None for others.
    misplaced: words that are not where they should be.
    """
    if ours.character_error > plain.character_error + WORSE_BY:
        yield "worse than plain"
    if plain.character_error > BAD and ours.character_error > plain.character_error / 2:
        yield "not halved"
    if every_word and ours.exact < ours.texts:
        yield f"{ours.texts - ours.exact} of {ours.texts} wrong"
    if upright is not None and ours.character_error > upright.character_error + TURNED_BY:
        yield "worse than upright"
    if misplaced:
        yield f"{misplaced} misplaced"
