"""A page, small: what questions about the whole of it are answered from."""

import dataclasses
import math
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Frame = Any
"""A PIL.Image.Image in grey; image.py and letters.py alone import Pillow."""

Grey = npt.NDArray[np.uint8]

LOOK_PIXELS: Final = 800_000
"""Lines of 10 point on A4 are 13 pixels apart then, and a look costs a few milliseconds, however large the page."""

cv2.setNumThreads(1)  # processes share the cores, each takes one


@dataclasses.dataclass(frozen=True)
class Look:
    """The page's pixels, each the mean of factor x factor of them."""

    grey: Grey
    factor: int


def look_at(image: Frame) -> Look:
    """A look at a grey page."""
    factor = max(1, round(math.sqrt(image.width * image.height / LOOK_PIXELS)))
    return Look(pixels_of(image.reduce(factor) if factor > 1 else image), factor)


def pixels_of(image: Frame) -> Grey:
    """The pixels of a grey page, row by row."""
    return np.asarray(image, dtype=np.uint8)
