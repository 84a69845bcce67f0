"""A measured figure: its rounds, its baseline's in the same run, and what it is to reach. And curves. Pure."""

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Reach:
    """What is to be reached: a bound on the ratio to the baseline, or on the figure itself where there is none."""

    bound: float
    is_most: bool = False

    def holds(self, value: float) -> bool:
        """True when the value is on the right side of the bound."""
        return value <= self.bound if self.is_most else value >= self.bound


@dataclasses.dataclass(frozen=True)
class Figure:
    """One row of the table. rounds: in `unit`, one value a round. baseline: of the same rounds; empty: there is none.

    compared_with: what the baseline is. note: what a reader should know, such as errors or a setting. holds: False when
    something else that belongs to it does not, so that it is missed, however fast it is.
    """

    name: str
    unit: str
    rounds: Sequence[float]
    reach: Reach | None = None
    baseline: Sequence[float] = ()
    compared_with: str = ""
    note: str = ""
    holds: bool = True

    @property
    def median(self) -> float:
        """The middle one of the rounds."""
        return statistics.median(self.rounds)

    @property
    def baseline_median(self) -> float | None:
        """The middle one of the baseline's rounds; None without a baseline."""
        return statistics.median(self.baseline) if self.baseline else None

    @property
    def ratios(self) -> list[float]:
        """Figure to baseline, round by round: what else the machine did then slowed both."""
        return [mine / its for mine, its in zip(self.rounds, self.baseline, strict=True)] if self.baseline else []

    @property
    def ratio(self) -> float | None:
        """The middle one of the ratios; None without a baseline."""
        return statistics.median(self.ratios) if self.baseline else None

    @property
    def is_reached(self) -> bool | None:
        """None when there is nothing to reach."""
        if self.reach is None:
            return None
        return self.holds and self.reach.holds(self.median if self.ratio is None else self.ratio)


@dataclasses.dataclass(frozen=True)
class Curve:
    """What a chart is drawn from. x, y: what is on the axes, with its unit. lines: points by the name of each line.

    mark: a point of x that is to be seen, and what it is called; None when there is none. note: as in Figure.
    """

    name: str
    x: str
    y: str
    lines: Mapping[str, Points]
    mark: tuple[float, str] | None = None
    note: str = ""


Measured = Figure | Curve


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest."""
    return min(values), max(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
