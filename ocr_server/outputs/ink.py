"""Words as wide as their ink: one box of Tesseract's in thirty leaves out a last letter, or takes in a neighbour's.

A line's columns of pixels that have ink are runs: letters, or letters that touch. A run belongs to the word that it is
in, or to the one that it stands closest to. A run of two words is looked at letter by letter: in italics the tail of an
f is under the word before it.
"""

import dataclasses
import itertools
import math
import re
from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Final

from .layout import Layout, Line, Word, has_space_between
from .projective import Box

LETTER_GAP: Final = 0.25
"""Of the line's rise: what stands further away from a word than this is no letter of it."""

MOST: Final = 1.0
"""Of the line's rise: an edge is moved no further; who thinks so is wrong."""

MOST_DRIFT: Final = 0.3
"""Of the line's rise: a line that rises or falls by more shares its rows of pixels with others, and stays as it is."""

OWN: Final = 0.6
"""Of the columns of a run, or a letter: a word that has fewer of them shares it with another."""

NO_WIDTH: Final = 0.1
"""Of the line's rise: so narrow is no word; Tesseract gives such a box to an "a" now and then, beside the letter."""

FAR_INTO: Final = 0.5
"""Of the line's rise: words overlap by less, also in italics."""

LEAST_CONTRAST: Final = 24

Span = tuple[float, float]
Run = tuple[int, int]
Letters = Callable[[int, int], Sequence[Run]]
"""Where the letters in a run begin and end."""

Shared = tuple[Run, int, float, int]
"""A letter, the word that has it, and how many of its columns are in which other word."""


def fitted(layout: Layout, image: Any) -> Layout:
    """The layout with each word's left and right where its ink is. image: the PIL.Image.Image that was read."""
    grey = image.convert("L")
    return layout.with_lines(lambda line: _fitted(line, grey))


def _fitted(line: Line, grey: Any) -> Line:
    # Loading OpenCV and NumPy takes 0.25 s and 36 MB, which nobody pays who prepares nothing and asks for no output.
    from ocr_server.preprocess.joined import spans_of_joined

    from .base_line import settled

    rise, run = -line.rise[1], line.end[0] - line.start[0]
    if run <= 0 or rise <= 0 or abs(line.end[1] - line.start[1]) > MOST_DRIFT * rise:
        return line
    left, top, right, bottom = line.box
    area = (max(0, math.floor(left - rise)), int(top), min(grey.width, math.ceil(right + rise)), int(bottom))
    if area[0] >= area[2] or area[1] >= area[3]:
        return line
    ink = _ink(grey.crop(area))
    if ink is None:
        return line
    runs = [(start + area[0], end + area[0]) for start, end in _runs(ink)]
    order = sorted(range(len(line.words)), key=lambda place: line.words[place].box[0])
    before = _in_turn([(line.words[place].box[0], line.words[place].box[2]) for place in order], rise)
    words = list(line.words)

    def letters(start: int, end: int) -> list[Run]:
        run = ink.crop((start - area[0], 0, end - area[0], ink.height))
        return [(start + left, start + right) for left, right in spans_of_joined(run)]

    spans = _spans([words[place] for place in order], before, runs, letters, rise)
    for place, old, new in zip(order, before, spans, strict=True):
        is_told = old[1] - old[0] > NO_WIDTH * rise
        # Of an edge that was far off nothing is known, and of a word without a width neither.
        most = (1 if is_told else 2) * MOST * rise + max(0.0, words[place].box[2] - old[1])
        edges = [is_now if abs(is_now - was) <= most else was for was, is_now in zip(old, new, strict=True)]
        words[place] = _moved(words[place], edges[0], edges[1])
    box = _around([line.box, *(word.box for word in words)])
    return settled(dataclasses.replace(line, box=box, words=tuple(words)), ink, area[0], area[1])


def _in_turn(spans: Sequence[Span], rise: float) -> list[Span]:
    """The spans, sorted by their left, none reaching far into the next: of some blurred lines a word has it all."""
    nexts = [left for left, _ in spans[1:]]
    found = [
        (left, next_left if right - next_left > FAR_INTO * rise and next_left > left else right)
        for (left, right), next_left in zip(spans, nexts, strict=False)
    ]
    return [*found, *spans[len(found) :]]


def _ink(crop: Any) -> Any:
    """Not 0 where there is ink: what there is less of, dark or light. None without contrast."""
    counts = crop.histogram()
    threshold = _threshold(counts)
    if threshold is None:
        return None
    dark = sum(counts[: threshold + 1])
    is_dark = 2 * dark <= crop.width * crop.height
    return crop.point([255 * ((grey <= threshold) == is_dark) for grey in range(256)])


def _runs(ink: Any) -> list[Run]:
    """Where columns with ink begin and end."""
    columns = ink.reduce((1, ink.height)).tobytes()
    return [match.span() for match in re.finditer(rb"[^\0]+", columns)]


def _threshold(counts: Sequence[int]) -> int | None:
    """The grey that parts a histogram best (Otsu's method); None without contrast."""
    greys = [grey for grey, count in enumerate(counts) if count]
    if greys[-1] - greys[0] < LEAST_CONTRAST:
        return None
    total, all_grey = sum(counts), sum(grey * count for grey, count in enumerate(counts))
    below = accumulate(counts)
    grey_below = accumulate(grey * count for grey, count in enumerate(counts))

    def parted(dark: int, dark_grey: int) -> float:
        light = total - dark
        return dark * light * (dark_grey / dark - (all_grey - dark_grey) / light) ** 2 if dark and light else 0.0

    scores = [parted(dark, dark_grey) for dark, dark_grey in zip(below, grey_below, strict=True)]
    return scores.index(max(scores))


def _spans(
    words: Sequence[Word], boxes: Sequence[Span], runs: Sequence[Run], letters: Letters, rise: float
) -> list[Span]:
    """What the words, sorted by their left, span with the runs that are theirs. boxes: where they are said to be."""
    own: list[list[Span]] = [[] for _ in boxes]
    lefts, strays, shared = [left for left, _ in boxes], list[Run](), list[Shared]()
    for run in runs:
        shares = _shares(boxes, lefts, run)
        if len(shares) > 1:
            shared += _divided(own, boxes, lefts, run, letters)
        elif shares:
            own[shares[0][1]].append(run)
        else:
            strays.append(run)
    _give_back(own, boxes, shared)
    _exchange(own, words)
    spans = [
        (min(start for start, _ in found), max(end for _, end in found)) if found else boxes[place]
        for place, found in enumerate(own)
    ]
    strays = _given_to_words_without_width(boxes, own, spans, strays, rise)
    for start, end in strays:  # letters that follow a word
        place = bisect(lefts, start) - 1
        if place >= 0 and 0 <= start - spans[place][1] <= LETTER_GAP * rise:
            spans[place] = (spans[place][0], end)
    for start, end in reversed(strays):  # letters in front of one
        place = bisect(lefts, start)
        if place < len(spans) and 0 <= spans[place][0] - end <= LETTER_GAP * rise:
            is_taken = place > 0 and spans[place - 1][1] >= end
            spans[place] = spans[place] if is_taken else (start, spans[place][1])
    return spans


def _shares(boxes: Sequence[Span], lefts: Sequence[float], run: Span) -> list[tuple[float, int]]:
    """How many of the run's columns are in which word."""
    (start, end), last = run, bisect(lefts, run[1])
    first = max(0, last - 3)
    overlaps = [
        (min(end, right) - max(start, left), place) for place, (left, right) in enumerate(boxes[first:last], first)
    ]
    return [one for one in overlaps if one[0] > 0]


def _divided(
    own: Sequence[list[Span]], boxes: Sequence[Span], lefts: Sequence[float], run: Run, letters: Letters
) -> list[Shared]:
    """Divide a run among the words that share it, in `own`; returns the letters that reach into another word.

    The word that has most of the run has it all, but for letters that are clearly another's.
    """
    widest, owner = max(_shares(boxes, lefts, run))
    has_owner = widest >= OWN * (run[1] - run[0])
    found = list[Shared]()
    for letter in letters(*run):
        shares, width = _shares(boxes, lefts, letter), letter[1] - letter[0]
        most, place = max(shares, default=(0.0, owner))
        is_clear = most >= OWN * width
        if has_owner and not (is_clear and _share_of(owner, shares) <= (1 - OWN) * width):
            place = owner
        elif not is_clear:  # letters of two words touch: each keeps the edge that it has
            for _, other in shares:
                left, right = boxes[other]
                own[other].append((max(letter[0], left), min(letter[1], right)))
            continue
        own[place].append(letter)
        found += [(letter, place, share, other) for share, other in shares if other != place]
    return found


def _share_of(word: int, shares: Sequence[tuple[float, int]]) -> float:
    return next((share for share, place in shares if place == word), 0.0)


def _give_back(own: Sequence[list[Span]], boxes: Sequence[Span], shared: Sequence[Shared]) -> None:
    """Give a word that has no letter the one that most of its box is in, of a word that has others."""
    for letter, owner, share, other in shared:
        left, right = boxes[other]
        if not own[other] and len(own[owner]) > 1 and 2 * share > right - left:
            own[owner].remove(letter)
            own[other].append(letter)


def _exchange(own: Sequence[list[Span]], words: Sequence[Word]) -> None:
    """Give the letter at a word's end to the next word where that lacks letters and is closer to it than its own."""
    for place, (left, right) in enumerate(itertools.pairwise(own)):
        if not left or not right or not has_space_between(words[place], words[place + 1]):
            continue
        gap = right[0][0] - left[-1][1]
        before = left[-1][0] - left[-2][1] if len(left) > 1 and len(right) < len(words[place + 1].text) else 0.0
        after = right[1][0] - right[0][1] if len(right) > 1 and len(left) < len(words[place].text) else 0.0
        if not 0 < gap < max(before, after):  # where columns are shared they tell nothing of gaps
            continue
        if before > after:
            right.insert(0, left.pop())
        else:
            left.append(right.pop(0))


def _given_to_words_without_width(
    boxes: Sequence[Span], own: Sequence[list[Span]], spans: list[Span], strays: list[Run], rise: float
) -> list[Run]:
    """Give each word without a width the runs between its neighbours, in `spans`; returns those that are left."""
    for place, (left, right) in enumerate(boxes):
        if right - left > NO_WIDTH * rise or own[place]:
            continue
        low = spans[place - 1][1] if place else left - rise
        high = spans[place + 1][0] if place + 1 < len(spans) else right + rise
        found = [run for run in strays if low <= run[0] and run[1] <= high]
        if found:
            spans[place] = (found[0][0], found[-1][1])
            strays = [run for run in strays if run not in found]
    return strays


def _moved(word: Word, left: float, right: float) -> Word:
    """The word with these sides; its base line goes on as it did."""
    (x0, y0), (x1, y1) = word.start, word.end
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
    box = (left, word.box[1], right, word.box[3])
    start, end = ((x, y0 + (x - x0) * slope) for x in (left, right))
    return dataclasses.replace(word, box=box, start=start, end=end)


def _around(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
