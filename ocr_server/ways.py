"""Which way up a page is meant, and in which script: tried on a few of its lines. Pure."""

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from typing import Final

from .image import Page, turned
from .reading import FEW_LETTERS, Reading, TextLine
from .scripts import Languages, are_alike, surer_by

Way = tuple[int, Languages]
"""By how many degrees a page is turned, and what it is read with."""

Guess = Callable[[Page, Languages], Reading | None]
"""Reads lines as a block; None when the time for it is over."""

TURNS: Final = (180, 90, 270)
"""Degrees, the likely ones first: on which side lines lie is mostly seen in the image, which way is up is not."""

SURER_BY: Final = 15.0
SURE_ENOUGH: Final = 60.0
CERTAIN: Final = 80.0
"""Confidence: by how much lines must be surer in another way, how sure, and from where on no other turn is tried."""

MARGIN: Final = 4
"""Pixels around the lines; more would take in pieces of their neighbours."""


def surest_way(
    page: Page, languages: Languages, lines: Sequence[TextLine], ways: Sequence[Way], guess: Guess
) -> Way | None:
    """Of several ways the one in which these lines of the page are much surer than they were; None when none is.

    languages: with which they were read so far.
    """
    part, before = _part(page, lines), statistics.fmean(line.confidence for line in lines)
    surest, found, last = 0.0, None, 0
    for degrees, others in ways:
        if found and surest >= CERTAIN and degrees != last:
            break
        last = degrees
        reading = guess(turned(part, degrees) if degrees else part, others)
        if reading is None or reading.weight < FEW_LETTERS:
            continue
        is_alike = not degrees and are_alike(others, languages)
        enough = before + (surer_by(others, languages) if is_alike else SURER_BY)
        if found:
            enough = max(enough, surest + surer_by(others, found[1]))
        if reading.confidence > max(SURE_ENOUGH, enough):
            surest, found = reading.confidence, (degrees, others)
    return found


def _part(page: Page, lines: Sequence[TextLine]) -> Page:
    lefts, tops, rights, bottoms = zip(*(line.box for line in lines), strict=True)
    left, top, right, bottom = min(lefts) - MARGIN, min(tops) - MARGIN, max(rights) + MARGIN, max(bottoms) + MARGIN
    width, height = page.image.size
    area = (max(0, round(left)), max(0, round(top)), min(width, round(right)), min(height, round(bottom)))
    return dataclasses.replace(page, image=page.image.crop(area))
