"""What was read, as a table for people and as JSON for programs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .results import File, Result
from .scoring import Tally, tally
from .speed import Speed

_HEAD = ("class", "files", "plain", "ours", "ratio", "plain, words", "ours, words", "right", "ms", "missed")


def text(results: Sequence[Result], missed: Mapping[str, Sequence[str]], speed: Speed | None) -> str:
    """A Markdown table, a row a class; errors in points of a hundred. right: files that ours has without an error."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_row(result, missed[result.name]) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    if speed:
        reached = "reached" if speed.is_reached else "missed"
        lines += ["", f"Clean pages: auto takes {speed.ratio:.3f} of what none takes (at most 1.05): {reached}."]
    return "\n".join(lines)


def steps(result: Result) -> Iterator[str]:
    """A line a file: its errors, and what was done to it or why there is no text."""
    for file in result.files:
        errors = " and ".join(f"{tally(file.true, read.text).character_error:.1f}" for read in (file.plain, file.ours))
        done = file.ours.problem or ", ".join(file.ours.steps) or "no step"
        yield f"{result.name}/{file.name}: {errors}; {done}"


def as_json(results: Sequence[Result], missed: Mapping[str, Sequence[str]], speed: Speed | None) -> dict[str, Any]:
    """An object a class, with its files."""
    return {
        "classes": [
            {
                "name": result.name,
                "plain": _tally_as_json(result.plain),
                "ours": _tally_as_json(result.ours),
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
    files = (str(len(result.files)), mine, its, ratio, my_words, its_words, str(ours.exact), f"{each:.0f}")
    return result.name, *files, ", ".join(missed)


def _tally_as_json(tally: Tally) -> dict[str, float]:
    return {"character_error": tally.character_error, "word_error": tally.word_error, "exact": tally.exact}


def _file_as_json(file: File) -> dict[str, Any]:
    return {
        "name": file.name,
        "plain": _tally_as_json(tally(file.true, file.plain.text)),
        "ours": _tally_as_json(tally(file.true, file.ours.text)),
        "steps": list(file.ours.steps),
        "problem": file.ours.problem,
        "milliseconds": round(file.ours.milliseconds, 1),
    }
