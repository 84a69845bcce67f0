"""The numbers of a run, and the table that shows them. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Totals:
    """The numbers of a run. latencies: seconds of the images that were read."""

    images: int
    failed: int
    seconds: float
    latencies: Sequence[float] = ()

    @property
    def done(self) -> int:
        """How many images were read."""
        return len(self.latencies)

    def facts(self) -> dict[str, float | None]:
        """The columns of the table. A run that was stopped has images that are neither done nor failed: one more."""
        unanswered = self.images - self.done - self.failed
        return {
            "images": self.images,
            "done": self.done,
            "failed": self.failed,
            **({"unanswered": unanswered} if unanswered else {}),
            "seconds": self.seconds,
            "images/s": self.done / self.seconds if self.seconds else 0.0,
            "p50 latency (s)": percentile(self.latencies, 50),
            "p95 latency (s)": percentile(self.latencies, 95),
        }


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value below which `percent` of the values lie, interpolated between neighbours; None without values."""
    if not values:
        return None
    in_order = sorted(values)
    place = (len(in_order) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(in_order) - 1)
    return in_order[below] + (in_order[above] - in_order[below]) * (place - below)


def table(facts: Mapping[str, float | None]) -> str:
    """Two lines, the columns' names above their values."""
    values = list(map(_shown, facts.values()))
    widths = [max(len(name), len(value)) for name, value in zip(facts, values, strict=True)]
    return "".join("  ".join(map(str.rjust, line, widths)) + "\n" for line in (list(facts), values))


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"
