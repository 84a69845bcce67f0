"""How much is measured."""

import dataclasses
from collections.abc import Callable, Mapping


@dataclasses.dataclass(frozen=True)
class Scale:
    """rounds: how often each figure is taken. share: of the full number of images, 1.0 being all.

    is_quick: only to see that everything runs; the figures mean nothing.
    """

    rounds: int = 3
    share: float = 1.0
    is_quick: bool = False

    def count(self, full: int, multiple_of: int = 1) -> int:
        """So many images of `full`, at least one. multiple_of: so that all samples are read equally often."""
        wanted = full * self.share
        if self.is_quick:
            return max(1, round(wanted))
        return multiple_of * max(1, round(wanted / multiple_of))

    def seconds(self, full: float) -> float:
        """So long of `full` seconds, at least half of one."""
        return max(0.5, full * self.share)

    def alternating(self, measured: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
        """Take each of these once a round, in turn; every other round backwards. Returns the rounds of each.

        What a machine does beside it, and what it gets slower by, then falls on all of them alike.
        """
        found: dict[str, list[float]] = {name: [] for name in measured}
        for number in range(self.rounds):
            names = list(measured)
            for name in names if number % 2 == 0 else reversed(names):
                found[name].append(measured[name]())
        return found


QUICK = Scale(rounds=1, share=0.01, is_quick=True)
"""A second or so each."""
