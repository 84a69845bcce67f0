"""All that is done to a page of text before it is read, in order; the one door to this package."""

import dataclasses
from typing import Any

import cv2
import numpy as np

from ocr_server.letters import FAINT
from ocr_server.outputs.projective import Projective

from .grain import cleaned
from .light import evened
from .look import Grey, Look, look_at
from .straight import Straightening, straightened, straightening


@dataclasses.dataclass(frozen=True)
class Mended:
    """A page as it was or better. way: from the page as it was to this one, in pixels.

    is_blank: there is nothing but grain on it.
    """

    grey: Grey
    way: Projective
    is_blank: bool = False


def mended(page: Any, steps: list[str]) -> Mended:
    """page: a PIL.Image.Image in grey. What is done to it is added to the steps. Raises MemoryError."""
    try:
        return _mended(page, steps)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(error.err) from error
        raise


def _mended(page: Any, steps: list[str]) -> Mended:
    grey: Grey = np.asarray(page, dtype=np.uint8)
    look = look_at(grey)
    if _is_blank(look):
        return Mended(cleaned(grey, steps), Projective(), is_blank=True)
    lit = evened(grey, look, steps)
    if lit is not grey:
        grey, look = lit, look_at(lit)
    grey = cleaned(grey, steps)
    return _upright(grey, straightening(look, page.size), steps)


def _is_blank(look: Look) -> bool:
    """True where nothing is left once grain is averaged; letters become paler only."""
    smooth = cv2.blur(look.grey, (5, 5) if look.factor == 1 else (3, 3))
    return int(smooth.max()) - int(smooth.min()) <= FAINT


def _upright(grey: Grey, how: Straightening, steps: list[str]) -> Mended:
    way = Projective()
    if how.is_sideways:
        height, width = grey.shape
        grey, way = cv2.rotate(grey, cv2.ROTATE_90_CLOCKWISE), Projective.turned(90, width, height)
        steps.append("rotate 90")
    if how.steps:
        grey, way = straightened(grey, how), way.then(how.way)
        steps += how.steps
    return Mended(grey, way)
