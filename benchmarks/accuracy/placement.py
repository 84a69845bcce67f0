"""Where words stand in an image, and how far from there others put them. Pure.

A word's place is its base line from the left edge of its ink to the right one, so that it holds for text that runs in
any direction: a word on a page that lies on its side has a base line that goes up or down.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

Point = tuple[float, float]

TOLERANCE: Final = 0.05
"""Part of the line's height by which a word's left, right and base line may be off."""


@dataclasses.dataclass(frozen=True)
class Word:
    """A word and its place, in pixels from the image's upper left corner.

    start, end: on the base line, below the left and the right edge of its ink. height: of its line, from the top of the
    highest letters of the font to the bottom of the lowest.
    """

    text: str
    start: Point
    end: Point
    height: float


@dataclasses.dataclass(frozen=True)
class Offset:
    """By how much a word is put elsewhere, in parts of the line's height; `base` is the worse of the two ends."""

    text: str
    left: float
    right: float
    base: float

    @property
    def most(self) -> float:
        """The worst of the three."""
        return max(self.left, self.right, self.base)

    @property
    def is_within(self) -> bool:
        """True when none of the three is off by more than TOLERANCE."""
        return self.most <= TOLERANCE


@dataclasses.dataclass(frozen=True)
class Box:
    """A word in an upright rectangle, as JSON has it."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


Found = TypeVar("Found", Word, Box)


def offsets(true: Sequence[Word], found: Sequence[Word]) -> list[Offset]:
    """How far each word is put from where it is; words that were read differently are left out.

    `found` needs no right height: the true one is what counts.
    """
    return [_offset(one, other) for one, other in _pairs(true, found, lambda word: word.start)]


def box_offsets(true: Sequence[Word], found: Sequence[Box]) -> list[Offset]:
    """As `offsets`, of left and right alone, since a box tells no base line; none where the text is not level, or
    upright, in the image: there the box of a word is larger than the word."""
    if not all(map(_is_level, true)):
        return []
    return [_box_offset(one, other) for one, other in _pairs(true, found, lambda box: (box.left, box.bottom))]


def _pairs(true: Sequence[Word], found: Sequence[Found], place: Callable[[Found], Point]) -> list[tuple[Word, Found]]:
    """Words of the same text, each with the closest one that is not closer to another."""
    distances = sorted(
        (math.dist(one.start, place(other)), number, its)
        for number, one in enumerate(true)
        for its, other in enumerate(found)
        if one.text == other.text
    )
    pairs, taken = dict[int, int](), set[int]()
    for _, number, its in distances:
        if number not in pairs and its not in taken:
            pairs[number] = its
            taken.add(its)
    return [(true[number], found[pairs[number]]) for number in sorted(pairs)]


def _is_level(word: Word) -> bool:
    across, down = word.end[0] - word.start[0], word.end[1] - word.start[1]
    return min(abs(across), abs(down)) < 0.01 * word.height


def _box_offset(true: Word, found: Box) -> Offset:
    along = math.atan2(true.end[1] - true.start[1], true.end[0] - true.start[0])
    corners = [(x, y) for x in (found.left, found.right) for y in (found.top, found.bottom)]
    ways = [_along(true.start, corner, along) for corner in corners]
    length = math.dist(true.start, true.end)
    return Offset(true.text, abs(min(ways)) / true.height, abs(max(ways) - length) / true.height, 0.0)


def in_image(boxes: Iterable[tuple[str, float, float, float, float]]) -> Iterator[Word]:
    """Words of upright text from what readers of hOCR, ALTO or PDF give: text, left, right, base line, height."""
    for text, left, right, base, height in boxes:
        yield Word(text, (left, base), (right, base), height)


def _offset(true: Word, found: Word) -> Offset:
    along = math.atan2(true.end[1] - true.start[1], true.end[0] - true.start[0])
    left, base_left = _apart(true.start, found.start, along)
    right, base_right = _apart(true.end, found.end, along)
    return Offset(true.text, left / true.height, right / true.height, max(base_left, base_right) / true.height)


def _apart(one: Point, other: Point, along: float) -> Point:
    """The distance in the direction of the text, and the one across it; never negative."""
    x, y = other[0] - one[0], other[1] - one[1]
    return abs(_along(one, other, along)), abs(y * math.cos(along) - x * math.sin(along))


def _along(one: Point, other: Point, along: float) -> float:
    """The way from one to the other in a direction, in radians; negative the other way."""
    return (other[0] - one[0]) * math.cos(along) + (other[1] - one[1]) * math.sin(along)
