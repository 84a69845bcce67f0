"""What was read, as a table for people and as JSON for programs. Pure."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .placement import Offset
from .results import File, Placed, Result, within
from .scoring import Tally, tally
from .speed import Speed

_HEAD: Final = (
    *("class", "files", "plain", "ours", "ratio", "plain, words", "ours, words", "right"),
    *("placed", "worst", "boxes", "ms", "missed"),
)

_SHOWN: Final = 5
"""Misplaced words of a file that are named."""


def text(results: Sequence[Result], missed: Mapping[str, Sequence[str]], speed: Speed | None) -> str:
    """A Markdown table, a row a class; errors in points of a hundred. right: files that ours has without an error.

    placed: of the words read right, those whose left, right and base line in the PDF are within a twentieth of their
    line's height; worst: how far one is off, in hundredths of that height; boxes: as `placed`, of the JSON's boxes.
    """
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_row(result, missed[result.name]) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    if speed:
        reached = "reached" if speed.is_reached else "missed"
        lines += ["", f"Clean pages: auto takes {speed.ratio:.3f} of what none takes (at most 1.05): {reached}."]
    return "\n".join(lines)


def same(results: Sequence[Result]) -> str:
    """Whether the stack gives the texts that its OCR server's code gives in one process."""
    files = [(result.name, file) for result in results for file in result.files]
    others = [f"{name}/{file.name}" for name, file in files if not file.is_same]
    told = (
        f"Through the whole stack: {len(files) - len(others)} of {len(files)} texts are those of the OCR server's code"
    )
    return f"{told}; not {', '.join(others)}." if others else f"{told} in one process."


def steps(result: Result) -> Iterator[str]:
    """A line a file: its errors, and what was done to it or why there is no text."""
    for file in result.files:
        errors = " and ".join(f"{tally(file.true, read.text).character_error:.1f}" for read in (file.plain, file.ours))
        done = file.ours.problem or ", ".join(file.ours.steps) or "no step"
        off = [f"{one.text!r} by {100 * one.most:.0f} %" for one in file.placed.in_pdf if not one.is_within]
        misplaced = f"; misplaced {', '.join(off[:_SHOWN])}" if off else ""
        yield f"{result.name}/{file.name}: {errors}; {done}{misplaced}"


def as_json(results: Sequence[Result], missed: Mapping[str, Sequence[str]], speed: Speed | None) -> dict[str, Any]:
    """An object a class, with its files."""
    return {
        "classes": [
            {
                "name": result.name,
                "plain": _tally_as_json(result.plain),
                "ours": _tally_as_json(result.ours),
                "placed": _placed_as_json(result.placed),
                "missed": list(missed[result.name]),
                "files": list(map(_file_as_json, result.files)),
            }
            for result in results
        ],
        "speed": None if speed is None else {"ratios": list(speed.ratios), "ratio": speed.ratio},
    }


def _row(result: Result, missed: Sequence[str]) -> tuple[str, ...]:
    plain, ours = result.plain, result.ours
    ratio = f"{ours.character_error / plain.character_error:.2f}" if plain.wrong_characters else ""
    errors = (plain.character_error, ours.character_error, plain.word_error, ours.word_error)
    mine, its, my_words, its_words = (f"{error:.2f}" for error in errors)
    each = sum(file.ours.milliseconds for file in result.files) / len(result.files)
    files = (str(len(result.files)), mine, its, ratio, my_words, its_words, str(ours.exact))
    placed = result.placed
    worst = f"{100 * max(one.most for one in placed.in_pdf):.1f}" if placed.in_pdf else ""
    places = (_share(placed.in_pdf), worst, _share(placed.in_boxes))
    return result.name, *files, *places, f"{each:.0f}", ", ".join(missed)


def _share(offsets: Sequence[Offset]) -> str:
    return f"{within(offsets)} of {len(offsets)}" if offsets else ""


def _tally_as_json(tally: Tally) -> dict[str, float]:
    return {"character_error": tally.character_error, "word_error": tally.word_error, "exact": tally.exact}


def _placed_as_json(placed: Placed) -> dict[str, Any]:
    found: dict[str, Any] = {"known": placed.known}
    for name, offsets in (("pdf", placed.in_pdf), ("words", placed.in_boxes)):
        worst = max(offsets, key=lambda one: one.most, default=None)
        found[name] = {
            "compared": len(offsets),
            "within": within(offsets),
            "worst": worst and dataclasses.asdict(worst),
        }
    return found


def _file_as_json(file: File) -> dict[str, Any]:
    return {
        "name": file.name,
        "plain": _tally_as_json(tally(file.true, file.plain.text)),
        "ours": _tally_as_json(tally(file.true, file.ours.text)),
        "placed": _placed_as_json(file.placed),
        "steps": list(file.ours.steps),
        "same": file.is_same,
        "problem": file.ours.problem,
        "milliseconds": round(file.ours.milliseconds, 1),
    }
