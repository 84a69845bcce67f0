"""The figures as a table for people, and as JSON for programs. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from .figures import Figure, spread


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table, a row a figure."""
    head = ("what", "measured (spread)", "against", "ratio (spread)", "to reach", "")
    rows = [head, tuple("---" for _ in head), *(_row(one) for one in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    )


def as_json(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """One object a figure, with every round."""
    return [
        {
            "name": one.name,
            "unit": one.unit,
            "rounds": list(one.rounds),
            "median": one.median,
            "baseline": list(one.baseline),
            "compared_with": one.compared_with,
            "ratio": one.ratio,
            "reach": None if one.reach is None else {"bound": one.reach.bound, "is_most": one.reach.is_most},
            "is_reached": one.is_reached,
            "note": one.note,
        }
        for one in figures
    ]


def _row(one: Figure) -> tuple[str, ...]:
    against = "" if one.baseline_median is None else f"{one.compared_with}: {_number(one.baseline_median)} {one.unit}"
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}{_spread(one.ratios)}"
    reach = "" if one.reach is None else f"{'at most' if one.reach.is_most else 'at least'} {one.reach.bound:g}"
    verdict = {None: "", True: "reached", False: "missed"}[one.is_reached]
    return one.name, f"{_number(one.median)} {one.unit}{_spread(one.rounds)}", against, ratio, reach, verdict


def _spread(values: Sequence[float]) -> str:
    least, most = spread(values)
    return "" if least == most else f" ({_number(least)} to {_number(most)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
