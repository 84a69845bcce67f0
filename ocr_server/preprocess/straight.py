"""A page on its side, aslant or seen from the side: how it is made upright, and its pixels then."""

import dataclasses
import math
from typing import Final

import cv2
import numpy as np

from ocr_server.outputs.projective import Projective

from .look import Grey, Look
from .slope import Lines, ink_of, lines_of

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
    ink, is_sideways = ink_of(look.grey), False
    lines = lines_of(ink)
    if not lines.are_clear or lines.spread:
        ink = _without_rules(ink)
        lines = lines_of(ink)
    if not lines.are_clear:
        from_top = lines_of(cv2.rotate(ink, cv2.ROTATE_90_CLOCKWISE))
        if from_top.gain >= max(LEAST_GAIN, SIDEWAYS * lines.gain):
            lines, is_sideways, page_size = from_top, True, page_size[::-1]
    if lines.gain < LEAST_GAIN or lines.support < LEAST_SUPPORT:
        return Straightening()
    return _levelling(lines, is_sideways, *page_size)


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
        slope, lowest = (math.tan(math.radians(one)) for one in (lines.degrees, lines.degrees + lines.spread))
        change = (lowest - slope) / (height / 2)
        if steps:
            # With the line in the middle level, all meet on its level, as far away as before.
            change *= math.cos(math.radians(lines.degrees))
        left, top, right, bottom = way.of_box((0, 0, width, height))
        x, y = (left + right) / 2, (top + bottom) / 2
        way = way.then(Projective.levelled(-change * y, change, x))
        steps.append("perspective")
    left, top, right, bottom = way.of_box((0, 0, width, height))
    size = math.ceil(right - left), math.ceil(bottom - top)
    return Straightening(is_sideways, way.then(Projective.moved(-left, -top)), size, tuple(steps))


def straightened(page: Grey, how: Straightening) -> Grey:
    """The page, turned already if it was on its side, with its lines level."""
    # OpenCV's coordinates are those of the middles of pixels, ours those of their corners.
    way = Projective.moved(0.5, 0.5).then(how.way).then(Projective.moved(-0.5, -0.5))
    matrix = np.array(way.rows)
    if way.g or way.h:
        return cv2.warpPerspective(page, matrix, how.size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cv2.warpAffine(page, matrix[:2], how.size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
