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

A_FEW: Final = 0.0005
MANY: Final = 0.01
"""Shares of pixels that are specks: from which on they are removed one by one, and from which on by a median."""

_NEIGHBOURS: Final = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)


def bands_of(grey: Grey) -> Grey:
    """Some rows of the page, spread over it, one band below the other."""
    height = grey.shape[0]
    if height <= BANDS * BAND:
        return grey
    starts = np.linspace(0, height - BAND, BANDS).astype(int)
    return np.concatenate([grey[start : start + BAND] for start in starts])


def cleaned(grey: Grey, steps: list[str]) -> Grey:
    """The page without specks and grain; the very same one where there are none to speak of."""
    bands = bands_of(grey)
    share = _specks(bands)
    if share > MANY:
        grey = cv2.medianBlur(grey, 3)
        steps.append("specks removed")
    elif share > A_FEW:
        grey = _without_single_ones(grey)
        steps.append("specks removed")
    return grey


def _specks(grey: Grey) -> float:
    """The part of the pixels that differ much from all around them."""
    lightest, darkest = cv2.dilate(grey, _NEIGHBOURS), cv2.erode(grey, _NEIGHBOURS)
    dark, light = cv2.subtract(darkest, grey) > SPECK, cv2.subtract(grey, lightest) > SPECK
    return (np.count_nonzero(dark) + np.count_nonzero(light)) / grey.size


def _without_single_ones(grey: Grey) -> Grey:
    """Each pixel that is a speck takes the grey of its nearest neighbour in brightness; no other pixel changes."""
    lightest, darkest = cv2.dilate(grey, _NEIGHBOURS), cv2.erode(grey, _NEIGHBOURS)
    lifted = np.where(cv2.subtract(darkest, grey) > SPECK, darkest, grey)
    return np.where(cv2.subtract(lifted, lightest) > SPECK, lightest, lifted)
