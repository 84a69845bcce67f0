"""What looking at a page costs where there is nothing to mend: clean pages with `auto` against `none`."""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Final

from .cases import Case
from .reading import Ours

MOST: Final = 1.05
"""What `auto` may take of what `none` takes."""


@dataclasses.dataclass(frozen=True)
class Speed:
    """The processor's time with `auto` to that with `none`, round by round."""

    ratios: Sequence[float]

    @property
    def ratio(self) -> float:
        """The middle one."""
        return statistics.median(self.ratios)

    @property
    def is_reached(self) -> bool:
        """True when it is fast enough."""
        return self.ratio <= MOST


def measure(ours: Ours, cases: Sequence[Case], rounds: int) -> Speed:
    """Read all pages so many times in both ways, in turns; the first time does not count."""
    ratios = []
    for number in range(rounds + 1):
        auto, none = (
            sum(ours.read(case, (), preprocess).milliseconds for case in cases) for preprocess in ("auto", "none")
        )
        if number:
            ratios.append(auto / none)
    return Speed(ratios)
