"""What was measured as tables for people, and as JSON for programs. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .figures import Curve, Figure, Measured, Reach, spread

_VERDICTS = {None: "", True: "reached", False: "missed"}


def text(machine: Mapping[str, str], measured: Iterable[Measured]) -> str:
    """The machine, a Markdown table of the figures, their notes, and a table for each curve."""
    measured = list(measured)
    figures = [one for one in measured if isinstance(one, Figure)]
    curves = [one for one in measured if isinstance(one, Curve)]
    parts = ["\n".join(f"- {name}: {what}" for name, what in machine.items() if what)]
    if figures:
        parts.append(_figures(figures))
    if any(one.note for one in figures):
        parts.append("\n".join(f"- {one.name}: {one.note}" for one in figures if one.note))
    parts += [_curve(one) for one in curves]
    return "\n\n".join(parts)


def as_json(machine: Mapping[str, str], measured: Iterable[Measured]) -> dict[str, Any]:
    """The machine, one object a figure with every round, one a curve with every point."""
    measured = list(measured)
    return {
        "machine": dict(machine),
        "figures": [_figure_as_json(one) for one in measured if isinstance(one, Figure)],
        "curves": [_curve_as_json(one) for one in measured if isinstance(one, Curve)],
    }


def curves_of(saved: Mapping[str, Any]) -> list[Curve]:
    """The curves in what `as_json` made. Raises KeyError, TypeError or ValueError when it is something else."""
    return [
        Curve(
            one["name"],
            one["x"],
            one["y"],
            {name: [(float(x), float(y)) for x, y in points] for name, points in one["lines"].items()},
            None if one["mark"] is None else (float(one["mark"][0]), str(one["mark"][1])),
            one["note"],
        )
        for one in saved["curves"]
    ]


def _figure_as_json(one: Figure) -> dict[str, Any]:
    return {
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


def _curve_as_json(one: Curve) -> dict[str, Any]:
    return {
        "name": one.name,
        "x": one.x,
        "y": one.y,
        "lines": {name: [list(point) for point in points] for name, points in one.lines.items()},
        "mark": None if one.mark is None else list(one.mark),
        "note": one.note,
    }


def _figures(figures: Sequence[Figure]) -> str:
    return _table([("what", "measured (spread)", "against", "ratio (spread)", "to reach", ""), *map(_row, figures)])


def _curve(curve: Curve) -> str:
    xs = sorted({x for points in curve.lines.values() for x, _ in points})
    found = {name: dict(points) for name, points in curve.lines.items()}
    rows = [(_number(x), *("" if x not in points else _number(points[x]) for points in found.values())) for x in xs]
    head = f"{curve.name}: {curve.y}, by {curve.x}"
    if curve.mark is not None:
        head += f"; {curve.mark[1]} at {_number(curve.mark[0])}"
    return "\n\n".join(filter(None, [head, _table([(curve.x, *found), *rows]), curve.note]))


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    head, *others = rows
    rows = [head, tuple("---" for _ in head), *others]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    )


def _row(one: Figure) -> tuple[str, ...]:
    against = "" if one.baseline_median is None else f"{one.compared_with}: {_number(one.baseline_median)} {one.unit}"
    ratio = "" if one.ratio is None else f"{_number(one.ratio)}{_spread(one.ratios)}"
    measured = f"{_number(one.median)} {one.unit}{_spread(one.rounds)}"
    return one.name, measured, against, ratio, _to_reach(one.reach), _VERDICTS[one.is_reached]


def _to_reach(reach: Reach | None) -> str:
    return "" if reach is None else f"{'at most' if reach.is_most else 'at least'} {reach.bound:g}"


def _spread(values: Sequence[float]) -> str:
    least, most = map(_number, spread(values))
    return "" if least == most else f" ({least} to {most})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
