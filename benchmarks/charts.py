"""Draws the curves as docs/benchmarks/*.svg. The only user of matplotlib, which is loaded when something is drawn.

The same curves give the same bytes: no date, no random ids. Text and axes are of a grey that is read on white and on
dark alike; the background is left out.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .figures import Curve
from .machine import ROOT

FOLDER: Final = ROOT / "docs" / "benchmarks"
TITLES: Final = {
    "throughput": "Throughput against OCR processes",
    "latency": "Latency against offered load",
    "memory": "Memory of a gateway against idle connections",
}
"""What is drawn, by the curve's name."""

LOGARITHMIC: Final = frozenset({"latency"})
_MOST_TICKS: Final = 6
_GREY: Final = "#808080"
_COLOURS: Final = ("#2f81d6", "#e0701b", "#2da44e", "#bf5fbf")
_STYLES: Final = ("-", "--", ":", "-.")  # for who sees no colours, and for print
_STYLE: Final[dict[str, Any]] = {
    "svg.hashsalt": "online-ocr",
    "svg.fonttype": "none",  # text stays text: small files, and it can be searched
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _GREY,
    "axes.labelcolor": _GREY,
    "axes.edgecolor": _GREY,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "grid.color": _GREY,
    "grid.alpha": 0.25,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
}


class NoMatplotlib(Exception):
    """The message says how to install it."""


def draw(curves: Sequence[Curve], folder: Path = FOLDER) -> list[Path]:
    """Draw those that have a title; returns the files. Raises NoMatplotlib."""
    with _loaded() as library:
        folder.mkdir(parents=True, exist_ok=True)
        return [_draw(library, one, folder / f"{one.name}.svg") for one in curves if one.name in TITLES]


@contextlib.contextmanager
def _loaded() -> Iterator[Any]:
    try:
        import matplotlib
        import matplotlib.figure
        import matplotlib.ticker
    except ImportError as error:
        raise NoMatplotlib(
            "Drawing takes matplotlib: .venv/bin/python -m pip install -c constraints.txt -e '.[benchmarks]'"
        ) from error
    with matplotlib.rc_context(_STYLE):
        yield matplotlib


def _draw(library: Any, curve: Curve, path: Path) -> Path:
    drawing = library.figure.Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = drawing.subplots()
    for number, (name, points) in enumerate(curve.lines.items()):
        look = {"color": _COLOURS[number % len(_COLOURS)], "linestyle": _STYLES[number // 2 % len(_STYLES)]}
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name, **look)
    if curve.mark is not None:
        at, name = curve.mark
        axes.axvline(at, color=_GREY, linestyle="--", linewidth=1)
        axes.annotate(f" {name} ", (at, 1), xycoords=("data", "axes fraction"), ha="right", va="top")
    if curve.name in LOGARITHMIC:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(library.ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(library.ticker.NullLocator())
        axes.yaxis.set_major_formatter(library.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.set_ylim(0, 1.08 * max(y for points in curve.lines.values() for _, y in points))
    ticks = sorted({x for points in curve.lines.values() for x, _ in points})
    if len(ticks) <= _MOST_TICKS:
        axes.set_xticks(ticks, [f"{x:,.0f}" for x in ticks])
    axes.set_title(TITLES[curve.name], fontsize=11)
    axes.set_xlabel(curve.x)
    axes.set_ylabel(curve.y)
    if len(curve.lines) > 1:
        axes.legend()
    drawing.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return path
