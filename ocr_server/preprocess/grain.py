"""Specks and grain: what some rows of the pixels themselves show, and the filter that helps."""

from typing import Final

import cv2
import numpy as np

from .light import percentiles
from .look import Grey

BANDS: Final = 8
BAND: Final = 32
"""Rows of a band of the page that is looked at, and how many such bands."""

SPECK: Final = 80
"""Levels of grey by which a speck differs from all its neighbours."""

A_FEW: Final = 0.001
MANY: Final = 0.005
"""Shares of pixels that are specks: from which on they are removed one by one, and from which on by a median."""

MUCH_GRAIN: Final = 0.06
"""The deviation of grain, as a part of the contrast; half of it cannot be seen where paper is as white as can be."""

NO_SPECKS: Final = 0.1
"""The part of grain that a median leaves, at least; of specks, however many, it leaves nothing."""

SMOOTHER: Final = 8.0
LEAST_RADIUS, MOST_RADIUS = 0.8, 2.0
"""Pixels: the radius of what is smoothed is so many times the grain, within these; letters are lost beyond."""

_GRAIN: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Of J. Immerkaer, Fast Noise Variance Estimation, 1996: 0 on edges, with 6 times the deviation of grain."""


def _all_but_the_middle(side: int) -> Grey:
    square = np.ones((side, side), np.uint8)
    square[side // 2, side // 2] = 0
    return square


_NEXT: Final = _all_but_the_middle(3)
_AROUND: Final = _all_but_the_middle(5)


def bands_of(grey: Grey) -> Grey:
    """Some rows of the page, spread over it, one band below the other."""
    height = grey.shape[0]
    if height <= BANDS * BAND:
        return grey
    starts = np.linspace(0, height - BAND, BANDS).astype(int)
    return np.concatenate([grey[start : start + BAND] for start in starts])


def cleaned(grey: Grey, steps: list[str]) -> Grey:
    """The page without specks, or smoother; the very same one where there are neither specks nor grain to speak of."""
    bands = bands_of(grey)
    share, grain = _specks(bands, _AROUND)[1], _grain(bands)
    is_grainy = grain > MUCH_GRAIN  # so it is with many specks, of which few are alone
    if is_grainy and _grain(cv2.medianBlur(bands, 3)) > NO_SPECKS * grain:
        steps.append("grain smoothed")
        return cv2.GaussianBlur(grey, (0, 0), min(max(LEAST_RADIUS, SMOOTHER * grain), MOST_RADIUS))
    if is_grainy or share >= A_FEW:
        steps.append("specks removed")
        return cv2.medianBlur(grey, 3) if is_grainy or share > MANY else _specks(grey, _NEXT)[0]
    return grey


def _grain(grey: Grey) -> float:
    """How much pixels differ from their neighbours for no reason, as a part of the contrast of the page."""
    quarters = cv2.convertScaleAbs(cv2.filter2D(grey, cv2.CV_16S, _GRAIN), alpha=1 / 4)
    (middle,) = percentiles(quarters, 50)
    if not middle:
        return 0.0
    darkest, lightest = percentiles(grey, 1, 99)
    return 4 * middle / 6 / 0.6745 / max(1, lightest - darkest)


def _specks(grey: Grey, around: Grey) -> tuple[Grey, float]:
    """The page with each pixel that differs much from all around it made like one of these, and the share of such."""
    lightest, darkest = cv2.dilate(grey, around), cv2.erode(grey, around)
    is_dark, is_light = cv2.subtract(darkest, grey) > SPECK, cv2.subtract(grey, lightest) > SPECK
    clean = np.where(is_dark, darkest, np.where(is_light, lightest, grey))
    return clean, (np.count_nonzero(is_dark) + np.count_nonzero(is_light)) / grey.size
