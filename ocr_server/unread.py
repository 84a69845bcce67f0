"""Ink beside lines that were read, of which nothing was read: Tesseract's layout leaves out columns of a receipt."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .image import Page
from .letters import INK_CONTRAST, grey_below
from .reading import TextLine

MOST_LINES: Final = 100
"""Receipts and tables have fewer; a full page need not be looked at."""

LEAST_WIDTH: Final = 0.8
"""Of a piece that may be a word, in heights of its line: rules are narrower."""

GAP: Final = 1.2
"""Heights of the line between two pieces."""

WORD_WIDTH: Final = 3.0
"""Heights of the line: how wide a word of a piece is taken to be."""


def unread_beside(page: Page, lines: Sequence[TextLine]) -> list[TextLine]:
    """What stands at the height of these lines of a page, dark on light, and belongs to none; ? in place of letters."""
    if not 0 < len(lines) <= MOST_LINES:
        return []
    darkest, paper = grey_below(page.image, 0.01), grey_below(page.image, 0.5)
    if paper - darkest <= INK_CONTRAST:
        return []
    ink = page.image.point([255 * (2 * grey < darkest + paper) for grey in range(256)])
    return [piece for line in lines for piece in _beside(ink, line, lines)]


def _beside(ink: Any, line: TextLine, lines: Sequence[TextLine]) -> Iterator[TextLine]:
    """In the ink of the page, an image that is not 0 where there is some."""
    _, top, _, bottom = line.box
    height = bottom - top
    # Only the middle of it: there is nothing of the lines above and below.
    columns, _ = ink.crop((0, round(top + height / 4), ink.width, max(round(bottom - height / 4), 1))).getprojection()
    for left, _, right, _ in (other.box for other in lines if other.box[1] < bottom and other.box[3] > top):
        first, last = max(0, round(left - height / 2)), min(ink.width, round(right + height / 2))
        columns[first:last] = [0] * max(0, last - first)
    for left, right in _pieces(columns, GAP * height):
        if right - left >= LEAST_WIDTH * height:
            words = max(1, round((right - left) / (WORD_WIDTH * height)))
            yield TextLine((left, top, right, bottom), " ".join("?" * words), 0.0)


def _pieces(columns: Sequence[int], gap: float) -> Iterator[tuple[float, float]]:
    """From where to where there is ink, narrow gaps left out."""
    places = [place for place, is_ink in enumerate(columns) if is_ink]
    if not places:
        return
    ends = [(one, other) for one, other in itertools.pairwise(places) if other - one > gap]
    lefts, rights = [places[0], *(other for _, other in ends)], [*(one for one, _ in ends), places[-1]]
    for left, right in zip(lefts, rights, strict=True):
        yield float(left), float(right + 1)
