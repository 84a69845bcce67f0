"""How the lines of a page lie: level, sloping, or running towards a point aside, as of a page seen from the side.

Ink is added up in narrow upright strips, and the strips are moved up and down against each other as if the lines sloped
so or so much. The more level the lines come to lie, the more the sum of all strips changes from one row to the next.
"""

import dataclasses
import functools
import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

from .look import Grey

AROUND: Final = 31
LEAST_INK, MOST_INK = 12, 70
"""Pixels of a look, levels of grey."""

MOST_DEGREES: Final = 15
"""Lines that slope by more are not looked for: of nearly anything one could think that it slopes somehow."""

NEAR_DEGREES: Final = 3
"""What is looked at first, and nothing else where lines are seen clearly."""

CLEAR: Final = 8.0
"""Gain of pages whose lines are level: 15 to 35, receipts and Chinese from 8 on; of those on their side below 5."""

AGREED: Final = 0.9
"""Support where lines are clear."""

STRIP: Final = 12
"""Pixels of a look: about two letters."""

MOST_STRIPS: Final = 64
LEAST_SIDE: Final = 8 * STRIP
BANDS: Final = 16
"""Parts of the page's height, each with a slope of its own when lines run towards a point."""

MANY_BANDS: Final = 3.5

WORTH: Final = 1.03
"""How much better lines that run towards a point must fit than parallel ones."""

FIRST_STEP, LAST_STEP = 0.5, 0.03  # degrees

Floats = MatLike
"""Of 32 bits."""


@dataclasses.dataclass(frozen=True)
class Lines:
    """degrees: by which the line in the middle slopes down; spread: by how many more the lowest one does.

    gain: how much more the rows differ than they would if each strip were by itself; 1 where there are no lines.
    bands, strips: in how many parts of the page's height and width there are lines. support: the part of the ink that
    says so by itself.
    """

    degrees: float = 0.0
    spread: float = 0.0
    gain: float = 0.0
    bands: float = 0.0
    strips: float = 0.0
    support: float = 0.0

    @property
    def evenness(self) -> float:
        """The gain as a part of what it could be: three columns of numbers have no large gain, however level."""
        return self.gain / max(self.strips, 1.0)

    @property
    def are_clear(self) -> bool:
        """True for a page of text; neither for one on its side, nor for one with a single long edge."""
        return self.gain >= CLEAR and self.bands >= MANY_BANDS and self.support >= AGREED


def ink_of(page: Grey) -> Grey:
    """By how much each pixel of a look is darker than what is around it: 0 or from LEAST_INK to MOST_INK."""
    darker = cv2.subtract(cv2.blur(page, (AROUND, AROUND)), page)
    _, ink = cv2.threshold(darker, LEAST_INK, 0, cv2.THRESH_TOZERO)
    return cv2.threshold(ink, MOST_INK, 0, cv2.THRESH_TRUNC)[1]


def lines_of(ink: Grey) -> Lines:
    """The lines that are seen best in the ink of a look, no side of which is shorter than LEAST_SIDE."""
    strips = Strips(ink)
    found = strips.seen_best(NEAR_DEGREES)
    is_at_the_end = abs(found.degrees) == NEAR_DEGREES
    if not found.are_clear or found.spread or is_at_the_end:
        found = strips.seen_best(MOST_DEGREES)
    return strips.refined(found)


class Strips:
    """The ink of a look in upright strips, each a row here: what is added up lies in memory as it is read."""

    def __init__(self, ink: Grey) -> None:
        self._height, width = ink.shape
        count = min(MOST_STRIPS, width // STRIP)
        upright = cv2.resize(ink, (count, self._height), interpolation=cv2.INTER_AREA)
        # Blurred a little: else a move by half a pixel, which blurs, would lose against one by none.
        self._ink = cv2.blur(np.ascontiguousarray(upright.T, dtype=np.float32), (3, 1))
        self._middles = ((np.arange(count) - (count - 1) / 2) * (width / count)).astype(np.float32)[:, None]
        self._rows = np.arange(self._height, dtype=np.float32)
        changes = _changes(self._ink)
        self._filled = float(_how_many(changes.sum(axis=1)))
        self._ink_by_band = _by_band(changes.sum(axis=0))
        self._all_ink = max(float(self._ink_by_band.sum()), 1e-6)

    def seen_best(self, most: int) -> Lines:
        """In whole degrees, no line sloping by more than `most`."""
        table = np.array([self._by_band(degrees) for degrees in range(-most, most + 1)])
        degrees, spreads, rows = _slopes(most)
        changes = table[rows, np.arange(BANDS)]
        all_changes = changes.sum(axis=1)
        bands = _how_many(changes)
        # One or two lines can be thought to run towards a point anywhere.
        may_spread = np.where(bands >= MANY_BANDS, all_changes / WORTH, 0)
        best = int(np.argmax(np.where(spreads == 0, all_changes, may_spread)))
        agrees = abs(table.argmax(axis=0) - rows[best]) <= 1
        return Lines(
            float(degrees[best]),
            float(spreads[best]),
            float(all_changes[best]) / self._all_ink,
            float(bands[best]),
            self._filled,
            float(self._ink_by_band[agrees].sum()) / self._all_ink,
        )

    def refined(self, found: Lines) -> Lines:
        """More exactly than in whole degrees."""
        if not found.spread and found.bands >= MANY_BANDS:  # less than a whole degree of it, perhaps
            gain, spread = max((self._gain(found.degrees, spread), spread) for spread in (-FIRST_STEP, FIRST_STEP))
            if gain > found.gain * WORTH:
                found = dataclasses.replace(found, spread=spread, gain=gain)
        step = FIRST_STEP
        while step >= LAST_STEP:
            spreads = (-step, step) if found.spread else ()
            near = [(found.degrees + more, found.spread) for more in (-step, step)]
            near += [(found.degrees, found.spread + more) for more in spreads]
            gain, degrees, spread = max((self._gain(*one), *one) for one in near)
            if gain > found.gain:
                found = dataclasses.replace(found, degrees=degrees, spread=spread, gain=gain)
            else:
                step /= 2
        return found

    def _by_band(self, degrees: float) -> Floats:
        """How much the sum of all strips changes from row to row, in each band, once lines that slope so are level."""
        return _by_band(_changes(self.levelled(degrees).sum(axis=0)))

    def _gain(self, degrees: float, spread: float) -> float:
        level = self._levelled_by(degrees, spread) if spread else self.levelled(degrees)
        return float(_changes(level.sum(axis=0)).sum()) / self._all_ink

    def levelled(self, degrees: float) -> Floats:
        """The strips moved so that lines of this slope lie level."""
        slope, middles = _slope(degrees), self._middles[:, 0]
        matrix = np.array([[1, slope * (middles[1] - middles[0]), slope * middles[0]], [0, 1, 0]])
        flags, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (self._height, len(middles))
        return cv2.warpAffine(self._ink, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def _levelled_by(self, degrees: float, spread: float) -> Floats:
        """The same, of lines that run towards a point."""
        below = self._rows / (self._height / 2) - 1
        rows = self._rows + (_slope(degrees) + (_slope(degrees + spread) - _slope(degrees)) * below) * self._middles
        strips = np.repeat(np.arange(len(self._middles), dtype=np.float32)[:, None], self._height, axis=1)
        return cv2.remap(self._ink, rows, strips, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@functools.cache
def _slopes(most: int) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """All ways in which lines can slope: degrees, spread, and the row of each band in a table of degrees."""
    all_degrees = np.arange(-most, most + 1)
    degrees, spreads = (one.ravel() for one in np.meshgrid(all_degrees, all_degrees))
    is_near = abs(degrees) + abs(spreads) <= most
    degrees, spreads = degrees[is_near], spreads[is_near]
    below = (np.arange(BANDS) + 0.5) * 2 / BANDS - 1
    rows = np.rint(degrees[:, None] + spreads[:, None] * below).astype(np.intp) + most
    return degrees.astype(np.float32), spreads.astype(np.float32), rows


def _how_many(parts: Floats) -> Floats:
    """In how many of its parts something is, by the last axis: all count as much as they have."""
    return np.asarray(np.square(parts.sum(axis=-1)) / np.maximum(np.square(parts).sum(axis=-1), 1e-6))


def _by_band(rows: Floats) -> Floats:
    return np.add.reduceat(rows, np.arange(BANDS) * len(rows) // BANDS)


def _slope(degrees: float) -> float:
    return math.tan(math.radians(degrees))


def _changes(ink: Floats) -> Floats:
    """Squared, from each pixel of a row to the next."""
    return np.square(np.diff(ink))
