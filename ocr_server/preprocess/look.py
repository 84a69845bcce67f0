"""A page, small: what questions about the whole of it are answered from."""

import dataclasses
import math
from typing import Final

import cv2
from cv2.typing import MatLike

Grey = MatLike
"""Pixels of 8 bits, row by row, as OpenCV has them."""

LOOK_PIXELS: Final = 800_000
"""Lines of 10 point on A4 are 13 pixels apart then, and a look costs a few milliseconds, however large the page."""

cv2.setNumThreads(1)  # processes share the cores, each takes one


@dataclasses.dataclass(frozen=True)
class Look:
    """The page's pixels, each the mean of factor x factor of them."""

    grey: Grey
    factor: int


def look_at(page: Grey) -> Look:
    """A look at a page."""
    height, width = page.shape
    factor = min(max(1, round(math.sqrt(page.size / LOOK_PIXELS))), height, width)
    if factor == 1:
        return Look(page, 1)
    size = width // factor, height // factor
    whole = page[: size[1] * factor, : size[0] * factor]
    return Look(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), factor)
