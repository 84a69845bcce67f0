"""Specks, grain and blur: what a look at the pixels themselves shows, and the filter that helps."""

from typing import Final

import cv2
import numpy as np

from .look import Grey

BANDS: Final = 8
BAND: Final = 32
"""Rows of a band of the page that is looked at, and how many such bands."""

SPECK: Final = 80
"""Levels of grey by which a speck differs from all its neighbours."""

A_FEW: Final = 0.001
MANY: Final = 0.005
"""Shares of pixels that are specks: from which on they are removed one by one, and from which on by a median."""


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
    """The page without specks; the very same one where there are none to speak of."""
    share = _specks(bands_of(grey), _AROUND)[1]
    if share < A_FEW:
        return grey
    steps.append("specks removed")
    return cv2.medianBlur(grey, 3) if share > MANY else _specks(grey, _NEXT)[0]


def _specks(grey: Grey, around: Grey) -> tuple[Grey, float]:
    """The page with each pixel that differs much from all around it made like one of these, and the share of such."""
    lightest, darkest = cv2.dilate(grey, around), cv2.erode(grey, around)
    is_dark, is_light = cv2.subtract(darkest, grey) > SPECK, cv2.subtract(grey, lightest) > SPECK
    clean = np.where(is_dark, darkest, np.where(is_light, lightest, grey))
    return clean, (np.count_nonzero(is_dark) + np.count_nonzero(is_light)) / grey.size
