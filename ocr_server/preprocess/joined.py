"""Which ink is joined: a letter is one piece of it, or a few."""

from typing import Any

import cv2
import numpy as np


def spans_of_joined(ink: Any) -> list[tuple[int, int]]:
    """From which column to which each joined piece of ink goes, sorted. ink: a PIL image, not 0 where there is some.

    Where there are more pieces than columns it is grain: then one span, of all columns.
    """
    count, _, found, _ = cv2.connectedComponentsWithStats(np.asarray(ink))
    if count > ink.width:
        return [(0, ink.width)]
    return sorted((int(left), int(left + width)) for left, _, width, _, _ in found[1:])
