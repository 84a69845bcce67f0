"""The base line of a line: where most of its letters end.

Tesseract fits it through the lower ends of what it takes for letters. Of a few, of which one goes below ("up", "Copy"),
that is as low as the p and the y; of a blurred or a coarse line it is a twentieth of the line's height too low. Letters
of Latin, Greek and Cyrillic and digits mostly end on the base line, so most columns of pixels with ink end there too.
"""

import dataclasses
import re
from typing import Any, Final

import numpy as np

from .layout import UNSPACED, Line, Word

FEW: Final = 10
"""Characters: the base line of so few is level, as is the page; the slope that they have is by chance."""

MOST_OF_FEW: Final = 0.5
MOST: Final = 0.2
"""Of the line's rise: the base line of a few letters, and of more, is moved no further."""

ENOUGH: Final = 0.25
"""Of the columns with ink: so many have to end near the base line."""

_NEAR: Final = 0.08
"""Of the line's rise: letters that end so close to each other stand on one line; round ones go a little lower."""

_LEVEL: Final = 0.05
"""Of the line's length: one of few letters that rises or falls by more stays as it is."""

_HAN: Final = re.compile(f"[{UNSPACED}]")
_NOT_ON_IT: Final = frozenset("gjpqyQ,;$()[]{}|/\\_@§'\"`^*°~+-–—=<>«»“”‘’„·")
"""Characters of which it cannot be said that they stand on the base line."""


def settled(line: Line, ink: Any, left: int, top: int) -> Line:
    """The line with its base line where its letters end, column by column; the top of high letters stays.

    ink: a PIL.Image.Image of the line, not 0 where there is ink; left, top: of it in the line's image.
    """
    words = [word for word in line.words if not _says_nothing(word)]
    is_short = sum(len(word.text) for word in line.words) <= FEW
    if not words or (is_short and not _is_level(line)):
        return line
    seen = np.asarray(ink) != 0
    columns = _columns(seen, words, left)
    if not columns.size:
        return line
    ends = seen.shape[0] - seen[::-1, columns].argmax(axis=0) + top
    length = line.end[0] - line.start[0]
    rise, slope = -line.rise[1], 0.0 if is_short else _slope(line)
    at = columns + left + 0.5 - line.start[0]
    away = ends - (line.start[1] + slope * at)
    near = max(1.0, _NEAR * rise)
    is_on_it = _in_fullest(away, near)
    if is_on_it.sum() < ENOUGH * columns.size:
        return line
    change, offset = 0.0, float(np.median(away[is_on_it]))
    if not is_short and np.ptp(at[is_on_it]) > length / 2:  # else a slope would be by chance
        change, offset = map(float, np.polyfit(at[is_on_it], away[is_on_it], 1))
    start = line.start[1] + offset
    end = line.start[1] + slope * length + offset + change * length
    most = (MOST_OF_FEW if is_short else MOST) * rise
    return _put(line, start, end) if max(abs(start - line.start[1]), abs(end - line.end[1])) <= most else line


def _says_nothing(word: Word) -> bool:
    return _HAN.search(word.text) is not None or _NOT_ON_IT.issuperset(word.text)


def _columns(seen: Any, words: list[Word], left: int) -> Any:
    """Those that have ink and are in one of the words."""
    is_in = np.zeros(seen.shape[1], bool)
    for word in words:
        is_in[max(0, round(word.start[0]) - left) : max(0, round(word.end[0]) - left)] = True
    return np.flatnonzero(is_in & seen.any(axis=0))


def _in_fullest(values: Any, width: float) -> Any:
    """Which of the values are in the span of this width that has most of them."""
    order = np.sort(values)
    counts = np.searchsorted(order, order + width, "right") - np.arange(order.size)
    lowest = order[counts.argmax()]
    return (values >= lowest) & (values <= lowest + width)


def _is_level(line: Line) -> bool:
    heights = [line.start[1], line.end[1], *(point[1] for word in line.words for point in (word.start, word.end))]
    return max(heights) - min(heights) <= _LEVEL * (line.end[0] - line.start[0])


def _slope(line: Line) -> float:
    return (line.end[1] - line.start[1]) / (line.end[0] - line.start[0])


def _put(line: Line, start: float, end: float) -> Line:
    """The line with this base line."""
    slope = (end - start) / (line.end[0] - line.start[0])
    lowered = (start + end - line.start[1] - line.end[1]) / 2

    def on_it(x: float) -> tuple[float, float]:
        return x, start + slope * (x - line.start[0])

    words = tuple(dataclasses.replace(word, start=on_it(word.start[0]), end=on_it(word.end[0])) for word in line.words)
    rise = (line.rise[0], line.rise[1] - lowered)
    return dataclasses.replace(line, start=(line.start[0], start), end=(line.end[0], end), rise=rise, words=words)
