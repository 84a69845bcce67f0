"""What the engine makes of a page, and how good that is. Pure."""

import dataclasses
import itertools
import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from .outputs.layout import Layout
from .outputs.projective import Box

UNSURE: Final = 70.0
"""Confidence. Text that lies wrongly, or is in letters that the language does not have, gives about 50; right, 90."""

DOUBTFUL: Final = 60.0
"""Confidence of a line."""

FEW_LETTERS: Final = 4
"""Fewer are a smear, a rule, a piece of a picture."""

WINDOW: Final = 3
"""Lines that are looked at anew to learn how the others would be read."""

COMPACT: Final = 2.5
"""How many times the height of its lines a window may have: not the end of a column and the beginning of the next."""

FEW_WORDS: Final = 2
LEAST_ROWS: Final = 3
"""So many lines with a neighbour are a table; less may be a letter's head, or two short captions."""

ALONE: Final = 4
"""One line of so many may almost have a neighbour on a page whose lines follow each other."""

LONG_LINE: Final = 5
"""Words. Lines of so many side by side are columns of running text, to be read one after the other."""

RUNNING: Final = 7
"""Words. Mostly beside lines of so many, short ones are a menu or notes in the margin: no cells of the same rows."""

_FIRST_IDEOGRAPH: Final = "\u2e80"
_LATIN_WORDS: Final = re.compile("[A-Za-z\u00c0-\u024f]{2,}")


@dataclasses.dataclass(frozen=True, slots=True)
class TextLine:
    """A line where it stands on the image that was read. confidence: the mean over its words, 0 to 100."""

    box: Box
    text: str
    confidence: float

    @property
    def words(self) -> int:
        """How many there are."""
        return len(self.text.split())

    @property
    def letters(self) -> int:
        """How many there are, spaces left out."""
        return sum(map(len, self.text.split()))

    @property
    def is_doubtful(self) -> bool:
        """True of letters that may be others."""
        return self.confidence < DOUBTFUL and self.letters >= FEW_LETTERS

    @property
    def is_latin(self) -> bool:
        """True when most of it is words in Latin letters."""
        return 2 * sum(map(len, _LATIN_WORDS.findall(self.text))) > self.letters


@dataclasses.dataclass(frozen=True)
class Reading:
    """A page's text, how sure the engine is of each of its words (0 to 100), and the layout where it was asked for.

    lines: where each line stands, in reading order.
    """

    text: str
    confidences: tuple[float, ...] = ()
    layout: Layout | None = None
    lines: tuple[TextLine, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True without a letter; there may be a word all the same: a blank of which the engine is sure."""
        return not self.text.strip()

    @property
    def letters(self) -> int:
        """How many there are, spaces left out."""
        return sum(map(len, self.text.split()))

    @property
    def weight(self) -> int:
        """As `letters`, but what is no letter of an alphabet, and says as much as some of these, counts twice."""
        return self.letters + sum(character >= _FIRST_IDEOGRAPH for character in self.text)

    @property
    def confidence(self) -> float:
        """The mean over all words; 0 without words."""
        return 0.0 if self.is_empty or not self.confidences else statistics.fmean(self.confidences)

    @property
    def worth(self) -> float:
        """Its letters, each as much as it is sure: the more, the better. What is read wrongly has about 50."""
        return self.letters * max(0.0, self.confidence - 50)

    def is_clearer_than(self, other: "Reading") -> bool:
        """True when it is surer, or finds more spaces between the same letters, which are rather overlooked."""
        words, others = self.text.split(), other.text.split()
        if "".join(words) == "".join(others):
            return len(words) > len(others)
        return self.confidence > other.confidence


def most_doubtful(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """A few that follow each other and tell what a page could mean instead: doubtful ones, or any, if none is."""
    runs = [list(run) for is_doubtful, run in itertools.groupby(lines, lambda line: line.is_doubtful) if is_doubtful]
    windows = [run[start : start + WINDOW] for run in runs or [list(lines)] for start in range(len(run))]
    return max((_compact(window) for window in windows), key=_letters, default=[])


def _compact(lines: list[TextLine]) -> list[TextLine]:
    height = max(line.box[3] for line in lines) - min(line.box[1] for line in lines)
    return lines if height <= COMPACT * sum(line.box[3] - line.box[1] for line in lines) else lines[:1]


def _letters(lines: Sequence[TextLine]) -> int:
    return sum(line.letters for line in lines)


def are_upright(lines: Sequence[TextLine]) -> bool:
    """True when most of the lines go from top to bottom: the engine reads a page on its right side so."""
    long = [line.box for line in lines if line.letters >= FEW_LETTERS]
    return 2 * sum(bottom - top > 2 * (right - left) for left, top, right, bottom in long) > len(long)


def laid_level(lines: Sequence[TextLine], width: float) -> list[TextLine]:
    """Where such lines stand once the page, so many pixels wide, is turned clockwise by 270 degrees."""
    boxes = [line.box for line in lines]
    level = [(top, width - right, bottom, width - left) for left, top, right, bottom in boxes]
    return [dataclasses.replace(line, box=box) for line, box in zip(lines, level, strict=True)]


def stands_in_cells(lines: Sequence[TextLine]) -> bool:
    """True when short lines stand side by side: a table or a receipt, to be read row by row."""
    pairs = list(_side_by_side(lines))
    if sum(min(one.words, other.words) >= LONG_LINE for one, other in pairs) > 1:
        return False
    if len(pairs) < LEAST_ROWS or statistics.median(max(one.words, other.words) for one, other in pairs) >= RUNNING:
        return False
    beside = {line.box: line.words for pair in pairs for line in pair}
    return statistics.median_low(beside.values()) <= FEW_WORDS


def are_out_of_order(lines: Sequence[TextLine]) -> bool:
    """True when lines, none of which stands beside another, are not read from top to bottom, as in a chat."""
    tops = [line.box[1] for line in lines]
    if tops == sorted(tops) or any(_side_by_side(lines)):
        return False
    # Two columns may have their lines at different heights: there, most lines are almost beside another.
    higher = [dataclasses.replace(line, box=_with_room(line.box)) for line in lines]
    beside = {line.box for pair in _side_by_side(higher) for line in pair}
    return ALONE * len(beside) < len(lines)


def _with_room(box: Box) -> Box:
    """The box and what belongs to its line above and below."""
    left, top, right, bottom = box
    room = (bottom - top) / 2
    return left, top - room, right, bottom + room


def _side_by_side(lines: Sequence[TextLine]) -> Iterator[tuple[TextLine, TextLine]]:
    """Pairs of lines that share more than half of the lower one's height, and no column."""
    by_top = sorted(lines, key=lambda line: line.box[1])
    for place, one in enumerate(by_top):
        left, top, right, bottom = one.box
        for other in by_top[place + 1 :]:
            its_left, its_top, its_right, its_bottom = other.box
            if its_top >= bottom:
                break
            shared = min(bottom, its_bottom) - its_top
            if 2 * shared > min(bottom - top, its_bottom - its_top) and (its_left >= right or left >= its_right):
                yield one, other
