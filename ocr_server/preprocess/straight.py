"""A page on its side, aslant or seen from the side: how it is made upright, and its pixels then."""

import dataclasses
import math
from typing import Final

import cv2
import numpy as np

from ocr_server.letters import MAX_SIDE
from ocr_server.outputs.projective import Projective

from .columns import columns_of
from .look import Grey, Look
from .slope import LEAST_SIDE, MANY_BANDS, Lines, ink_of, lines_of

PERSPECTIVE: Final = "perspective"

LEAST_DEGREES: Final = 0.3
"""A page that slopes by less is left as it is: it would be read no better, and each of its pixels would be blurred."""

LEAST_SPREAD: Final = 0.5
"""Degrees, half of those between the first line and the last."""

LEAST_GAIN: Final = 4.0
"""Below, there are no lines to go by."""

LEAST_SUPPORT: Final = 0.6
"""Of a drawing, one half may lie so and the other otherwise."""

RULE: Final = 41
"""Pixels of a look: longer than any stroke of a letter, but for a few words' on a page."""

AS_EVEN: Final = 0.8
"""The same of their evenness, or a few long columns of numbers would be lines: of them it is 0.7 at most."""

SEVERAL: Final = 2.0
"""Bands with lines: a single one from top to bottom is a rule, or the spine of a book."""

MOST_NARROWER: Final = 0.35
"""The part of its size by which what is furthest away may be smaller: beyond, nothing could be read there."""

MOST_LARGER: Final = 1.6
ALWAYS_PIXELS: Final = 20_000_000
"""By how much a page may grow that is turned: a long strip would become a large square of nothing."""

PAPER, SAMPLE = 75, 7
"""Percentile of greys, and of which pixels: paper also where half of a photo is a table."""

SIDEWAYS: Final = 2.0
"""How much clearer lines must be from top to bottom than from left to right."""


@dataclasses.dataclass(frozen=True)
class Straightening:
    """What makes a page upright. is_sideways: it is turned clockwise by 90 degrees first.

    way: from there to where its lines are level; size: of the result, in pixels; steps: what that is called.
    """

    is_sideways: bool = False
    way: Projective = Projective()
    size: tuple[int, int] = (0, 0)
    steps: tuple[str, ...] = ()


def straightening(look: Look, page_size: tuple[int, int]) -> Straightening:
    """What makes the page upright that one has looked at. page_size: its width and height."""
    if min(look.grey.shape) < LEAST_SIDE:
        return Straightening()  # only one of its two sides could be judged
    ink, is_sideways = ink_of(look.grey), False
    lines = lines_of(ink)
    if not lines.are_clear or lines.spread:
        ink = _without_rules(ink)
        text = lines_of(ink)
        if _are_seen(text) or lines.bands < MANY_BANDS:
            lines = text
    if not lines.are_clear:
        from_top = lines_of(cv2.rotate(ink, cv2.ROTATE_90_CLOCKWISE))
        is_text = _are_seen(from_top) and from_top.bands >= SEVERAL
        is_clearer = from_top.gain >= SIDEWAYS * lines.gain and from_top.evenness >= AS_EVEN * lines.evenness
        if is_text and is_clearer:
            lines, is_sideways, page_size = from_top, True, page_size[::-1]
    if not _are_seen(lines):
        return Straightening()
    how = _levelling(lines, is_sideways, *page_size)
    return _with_upright_columns(how, look) if PERSPECTIVE in how.steps else how


def _are_seen(lines: Lines) -> bool:
    return lines.gain >= LEAST_GAIN and lines.support >= LEAST_SUPPORT


def _without_rules(ink: Grey) -> Grey:
    """The ink without long lines, as of tables, edges and folds: they may lie otherwise than the text."""
    for size in ((RULE, 1), (1, RULE)):
        rules = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(size, np.uint8))
        ink = cv2.subtract(ink, rules)
    return ink


def _levelling(lines: Lines, is_sideways: bool, width: int, height: int) -> Straightening:
    steps = list[str]()
    way = Projective()
    if abs(lines.degrees) >= LEAST_DEGREES:
        way = Projective.turned(-lines.degrees, width, height)
        steps.append(f"deskew {-lines.degrees:.1f}")
    if abs(lines.spread) >= LEAST_SPREAD:
        change = _change(lines, height)
        if abs(change) * width / 2 > MOST_NARROWER:
            return Straightening(is_sideways)
        if steps:
            # With the line in the middle level, all meet on its level, as far away as before.
            change *= math.cos(math.radians(lines.degrees))
        left, top, right, bottom = way.of_box((0, 0, width, height))
        x, y = (left + right) / 2, (top + bottom) / 2
        way = way.then(Projective.levelled(-change * y, change, x))
        steps.append(PERSPECTIVE)
    return _bounded(Straightening(is_sideways, way, (width, height), tuple(steps)))


def _bounded(how: Straightening) -> Straightening:
    """With all of a page on the result, which begins at (0, 0); nothing where that would be too large."""
    width, height = how.size
    left, top, right, bottom = how.way.of_box((0, 0, width, height))
    size = math.ceil(right - left), math.ceil(bottom - top)
    if max(size) > MAX_SIDE or size[0] * size[1] > max(MOST_LARGER * width * height, ALWAYS_PIXELS):
        return Straightening(how.is_sideways)
    return dataclasses.replace(how, way=how.way.then(Projective.moved(-left, -top)), size=size)


def _with_upright_columns(how: Straightening, look: Look) -> Straightening:
    """A page was not only taken from the left or the right: its letters lean, some more than others."""
    page = cv2.rotate(look.grey, cv2.ROTATE_90_CLOCKWISE) if how.is_sideways else look.grey
    to_page = Projective.scaled(look.factor, look.factor)
    to_look = to_page.inverse()
    small = dataclasses.replace(
        how, way=to_page.then(how.way).then(to_look), size=(how.size[0] // look.factor, how.size[1] // look.factor)
    )
    columns = columns_of(straightened(page, small))
    if columns is None or abs(columns.change) * small.size[0] / 2 > MOST_NARROWER:
        return how
    # Columns are lines of a page whose two axes are exchanged.
    exchanged = Projective(0, 1, 0, 1, 0, 0)
    first = columns.slope - columns.change * columns.at
    upright = exchanged.then(Projective.levelled(first, columns.change, small.size[1] / 2)).then(exchanged)
    bounded = _bounded(dataclasses.replace(how, way=to_look.then(upright).then(to_page)))
    if not bounded.steps:
        return how
    return dataclasses.replace(bounded, way=how.way.then(bounded.way))


def _change(lines: Lines, height: int) -> float:
    """Of the lines' slope, a pixel further down."""
    middle, lowest = (math.tan(math.radians(one)) for one in (lines.degrees, lines.degrees + lines.spread))
    return (lowest - middle) / (height / 2)


def straightened(page: Grey, how: Straightening) -> Grey:
    """The page, turned already if it was on its side, with its lines level; what was not on it is as light as paper."""
    # OpenCV's coordinates are those of the middles of pixels, ours those of their corners.
    way = Projective.moved(0.5, 0.5).then(how.way).then(Projective.moved(-0.5, -0.5))
    matrix, paper = np.array(way.rows), float(np.percentile(page[::SAMPLE, ::SAMPLE], PAPER))
    flags, beyond = cv2.INTER_CUBIC, cv2.BORDER_CONSTANT  # repeating the edge would draw strokes out of cut letters
    if way.g or way.h:
        return cv2.warpPerspective(page, matrix, how.size, flags=flags, borderMode=beyond, borderValue=paper)
    return cv2.warpAffine(page, matrix[:2], how.size, flags=flags, borderMode=beyond, borderValue=paper)
