"""How the columns of a page stand whose lines are level: upright, leaning, or running towards a point above or below.

The left margin of a text is the one straight line that it has from top to bottom, and tells how the page leans there.
How that changes from left to right is told by the strokes of letters: not exactly how each leans, which is a matter of
the font, but how much more the right ones do than the left ones.
"""

import dataclasses
import math
from typing import Final

import cv2
import numpy as np

from .look import Grey
from .slope import Floats, Strips, ink_of

MOST_DEGREES: Final = 10
LAST_STEP: Final = 0.1  # degrees

EDGE: Final = 8
"""Pixels of a look, to the left and to the right of a margin."""

DISTINCT: Final = 2.0
"""How much more distinct a margin must be than what there is in most other directions; of texts it is 2.2 to 5."""

STEEP: Final = 0.35
"""Strokes that lean by more are slanting ones, as of a V."""

STRONG: Final = 960
"""Of Scharr's gradient: 60 levels of grey between neighbours."""

DAMPED: Final = 1.9
"""How much more strokes lean than their edges tell, which are rounded. Measured on pages seen from ten sides."""

BANDS: Final = 8


@dataclasses.dataclass(frozen=True)
class Columns:
    """slope: of the column at the left, to the right a pixel further down, in the middle of the height; at: its place.

    change: of the slope, a pixel further to the right.
    """

    slope: float
    at: float
    change: float


def columns_of(level: Grey) -> Columns | None:
    """How the columns of a page stand, in a look at it with level lines; None where that is not seen."""
    rows = Strips(np.ascontiguousarray(ink_of(level).T))
    found = [_margin(rows, degrees) for degrees in range(-MOST_DEGREES, MOST_DEGREES + 1)]
    best = max(found)
    if best[0] < DISTINCT * float(np.median([edge for edge, _, _ in found])):
        return None
    step = 0.5
    while step >= LAST_STEP:
        better = max(_margin(rows, best[1] + more) for more in (-step, step))
        if better > best:
            best = better
        else:
            step /= 2
    _, degrees, at = best
    return Columns(math.tan(math.radians(degrees)), at, _change(level))


def _margin(rows: Strips, degrees: float) -> tuple[float, float, float]:
    """How distinct the most distinct left margin is that leans so, the degrees again, and its place."""
    ink = np.cumsum(np.concatenate([[0.0], rows.levelled(degrees).sum(axis=0)]))
    edges = ink[2 * EDGE :] - 2 * ink[EDGE:-EDGE] + ink[: -2 * EDGE]
    place = int(np.argmax(edges))
    return float(edges[place]), degrees, float(place + EDGE)


def _change(level: Grey) -> float:
    """By how much strokes lean more, a pixel further to the right."""
    across, down = (cv2.Scharr(level, cv2.CV_32F, *axes) for axes in ((1, 0), (0, 1)))
    is_stroke = (np.abs(across) > STRONG) & (np.abs(down) < STEEP * np.abs(across))
    leaning, strokes = (_by_band(np.where(is_stroke, across * one, 0)) for one in (down, across))
    middles = (np.arange(BANDS) + 0.5) * level.shape[1] / BANDS
    has_strokes = strokes > strokes.max() / 10
    if has_strokes.sum() < BANDS / 2:
        return 0.0
    slopes = -leaning[has_strokes] / strokes[has_strokes]
    change, _ = np.polyfit(middles[has_strokes], slopes, 1, w=np.sqrt(strokes[has_strokes]))
    return DAMPED * float(change)


def _by_band(pixels: Floats) -> Floats:
    width = pixels.shape[1]
    return np.add.reduceat(pixels.sum(axis=0), np.arange(BANDS) * width // BANDS)
