"""The light on a page: light letters on dark, the shadow of a hand, the circle of a lamp.

Tesseract parts ink from paper at one grey for the whole page: where the paper lies in a shadow as dark as ink is
elsewhere, it sees a black patch. A page whose ink can be told by one grey is left alone.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from .look import Grey, Look

Bits = npt.NDArray[np.bool_]

SMALL: Final = 512
"""Pixels of the longer side at which light is judged, or up to twice as many: lines of print are just told apart."""

LETTERS: Final = 19
"""Pixels of SMALL: what is dark and narrower than this is ink, not shadow."""

STROKES: Final = 7
"""Pixels of a look: what is dark and narrower than this is a stroke of a letter."""

FAINTEST: Final = 0.75
"""The grey of strokes, as a part of their paper's, is not above this one: what is paler may be part of a picture."""

GRAIN: Final = 12
"""Levels of grey by which strokes are darker than their paper, at least."""

CONTRAST: Final = 40
"""Levels of grey between the letters and the paper of a page that is light on dark, at least."""

SMOOTH: Final = 0.25
"""Part of its brightness by which paper changes from one word to the next, at most: in a picture it changes by more."""

LEAST_WRITTEN: Final = 0.002
"""The part of a page that strokes cover, where there is text enough to tell; of a full page they cover 0.03."""

MOST_IN_BOXES: Final = 0.2
"""The part of all strokes that may be between light letters on dark."""

EVEN: Final = 0.85
"""The darkest paper that is written on, as a part of the brightest, where the light is even."""

MUCH_LIGHT: Final = 90
"""So many of a hundred parts of a page are no brighter than its bright paper: the others may be a window, a lamp."""

DARKEST: Final = 10
"""Levels of grey: darker paper is not known from ink."""


def evened(grey: Grey, look: Look, steps: list[str]) -> Grey:
    """The page dark on light, in even light; the very same one where nothing is to be done."""
    near, far = look.grey, _small(look.grey)
    if is_light_on_dark(far):
        grey, near, far = cv2.bitwise_not(grey), cv2.bitwise_not(near), cv2.bitwise_not(far)
        steps.append("inverted")
    paper = cv2.morphologyEx(cv2.blur(far, (3, 3)), cv2.MORPH_CLOSE, _square(LETTERS))
    if _may_be_uneven(paper) and _is_uneven(near, far, paper):
        steps.append("light evened")
        grey = _divided(grey, cv2.medianBlur(paper, LETTERS))
    return grey


def is_light_on_dark(far: Grey) -> bool:
    """True when most of the page is dark and what stands out from its surroundings is light.

    A sheet on a dark table is dark in the main as well, but what stands out of the sheet is its ink.
    """
    darkest, middle, lightest = percentiles(far, 1, 50, 99)
    if lightest - darkest < CONTRAST or 2 * middle > darkest + lightest:
        return False
    around = cv2.medianBlur(far, 2 * LETTERS + 1)
    least = (lightest - darkest) / 5
    light, dark = cv2.subtract(far, around) > least, cv2.subtract(around, far) > least  # what is below 0 becomes 0
    return bool(np.count_nonzero(light) > 2 * np.count_nonzero(dark))


def percentiles(grey: Grey, *shares: float) -> list[int]:
    """The levels of grey that so many of a hundred pixels do not exceed."""
    counts = np.cumsum(cv2.calcHist([grey], [0], None, [256], [0, 256]))
    return [int(np.searchsorted(counts, share / 100 * counts[-1])) for share in shares]


def _small(grey: Grey) -> Grey:
    factor = max(grey.shape) // SMALL
    height, width = (max(1, round(side / factor)) for side in grey.shape) if factor > 1 else grey.shape
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA) if factor > 1 else grey


def _may_be_uneven(paper: Grey) -> bool:
    darkest, lightest = percentiles(paper, 1, 99)
    return darkest < EVEN * lightest


def _is_uneven(near: Grey, far: Grey, paper: Grey) -> bool:
    """True when there is print on dark paper as well as on bright; pictures, black boxes, dark tables are no paper."""
    around = cv2.medianBlur(far, 2 * LETTERS + 1)  # dark in a box with light letters, where `paper` is light
    is_smooth = cv2.morphologyEx(paper, cv2.MORPH_GRADIENT, _square(LETTERS // 2)) < SMOOTH * paper
    strokes, is_light_box = _strokes(near, far.shape), paper >= 1.25 * around
    if np.count_nonzero(strokes & is_light_box) > MOST_IN_BOXES * np.count_nonzero(strokes):
        return False  # a screen: coloured boxes, some with dark letters and some with light ones
    written = paper[strokes & ~is_light_box & is_smooth]
    if written.size < LEAST_WRITTEN * paper.size:
        return False
    darkest, lightest = percentiles(written, 1, 98)
    (bright,) = percentiles(paper, MUCH_LIGHT)  # all letters may be in the shadow
    return darkest < EVEN * max(lightest, bright)


def _strokes(near: Grey, shape: tuple[int, ...]) -> Bits:
    """Where strokes are, in an image of this shape: narrow, and nearly as dark against their paper as any are."""
    near = cv2.GaussianBlur(near, (3, 3), 0)  # else grain would be strokes
    paper = cv2.morphologyEx(near, cv2.MORPH_CLOSE, _square(STROKES))
    part = cv2.divide(near, paper, scale=255)
    (darkest,) = percentiles(part, 2)
    ink = (part < min((darkest + 255) / 2, 255 * FAINTEST)) & (cv2.subtract(paper, near) >= GRAIN)
    share = cv2.resize(255 * ink.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_AREA)
    return np.greater(share, 50)


def _divided(grey: Grey, paper: Grey) -> Grey:
    height, width = grey.shape
    light = cv2.resize(np.maximum(paper, DARKEST), (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(grey, light, scale=255)


def _square(side: int) -> Grey:
    return np.ones((side, side), np.uint8)
