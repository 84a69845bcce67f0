"""The base line of a line of few letters: where most of them end.

Tesseract fits a line's base line through the lower ends of its letters. Of a few, of which one goes below ("up",
"Copy"), it takes the lower ends of those; among the many letters of a whole line it does not.
"""

import dataclasses
from collections import Counter
from typing import Any, Final

from .layout import Line

FEW: Final = 10
"""Characters."""

MOST: Final = 0.5
"""Of the line's rise: a base line is moved no further."""

_NEAR: Final = 0.04
"""Of the line's rise: letters that end so close to each other stand on one line; round ones go a little lower."""

_LEVEL: Final = 0.05
"""Of the line's length: one that rises or falls by more stays as it is."""

_TRANSPOSE: Final = 5
"""Pillow's Transpose.TRANSPOSE: image.py alone imports Pillow."""

_NOT_ON_IT: Final = frozenset("gjpqyQ,;$()[]{}|/\\_@§'\"`^*°~+-–—=<>«»“”‘’„·")
"""Characters of which it cannot be said that they stand on the base line."""


def settled(line: Line, ink: Any, top: int) -> Line:
    """The line with its base line where its ink ends, column by column; the top of high letters stays.

    ink: a PIL.Image.Image of the line, not 0 where there is ink; top: of it in the line's image.
    """
    letters = [character for word in line.words for character in word.text]
    rise, was = -line.rise[1], line.start[1]
    if len(letters) > FEW or _NOT_ON_IT.issuperset(letters) or not _is_level(line):
        return line
    columns = ink.transpose(_TRANSPOSE).tobytes()
    ends = (columns[start : start + ink.height].rstrip(b"\0") for start in range(0, len(columns), ink.height))
    counts = Counter(len(end) for end in ends if end)
    if not counts:
        return line
    near = max(1, round(_NEAR * rise))
    middle = max(counts, key=lambda end: sum(counts[one] for one in range(end - near, end + near + 1)))
    base = float(top + max(range(middle - near, middle + near + 1), key=lambda end: counts[end]))
    return _put(line, base) if abs(base - was) <= MOST * rise else line


def _is_level(line: Line) -> bool:
    heights = [line.start[1], line.end[1], *(point[1] for word in line.words for point in (word.start, word.end))]
    return max(heights) - min(heights) <= _LEVEL * (line.end[0] - line.start[0])


def _put(line: Line, base: float) -> Line:
    words = tuple(
        dataclasses.replace(word, start=(word.start[0], base), end=(word.end[0], base)) for word in line.words
    )
    start, end = (line.start[0], base), (line.end[0], base)
    rise = (line.rise[0], line.rise[1] + line.start[1] - base)
    return dataclasses.replace(line, start=start, end=end, rise=rise, words=words)
