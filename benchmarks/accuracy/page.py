"""docs/accuracy.md and the README: their parts that are made of the figures, between the marks for them. Pure."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from .ends import Step
from .results import File, Result, within
from .scoring import Tally, differences, tally

_LINES, _WIDTH, _SNIPPETS = 4, 56, 6


IN_SHORT: Final = (
    *("clean", "rotated-90", "skewed-10", "dark-screenshot", "noisy", "uneven-light", "photo-sideways", "words"),
    *("receipts-dim", "tables", "chinese", "mixed-latin"),
)
"""The classes that the README has."""


class NoMark(Exception):
    """The page has no place for what is made; the message says which marks are missing."""


def has_mark(page: str, name: str) -> bool:
    """True when the page has a place for this part."""
    return f"<!-- {name} -->" in page


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with those parts that it has a place for, `<!-- NAME -->` to `<!-- end of NAME -->`. Raises NoMark."""
    names = [name for name in parts if has_mark(page, name)]
    if not names:
        raise NoMark(f"the page has none of the marks {', '.join(f'<!-- {name} -->' for name in parts)}")
    for name in names:
        part, begin, end = parts[name], f"<!-- {name} -->", f"<!-- end of {name} -->"
        found = re.search(f"{re.escape(begin)}\n.*?{re.escape(end)}", page, re.DOTALL)
        if not found:
            raise NoMark(f"there is no {end} after {begin}")
        before, _, after = page.partition(found[0])
        page = f"{before}{begin}\n{part.strip()}\n{end}{after}"
    return page


def table(results: Sequence[Result], missed: Mapping[str, Sequence[str]]) -> str:
    """A row a class."""
    lines = [
        "| class | files | plain: characters, words | ours: characters, words | placed in the PDF | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for one in results:
        placed = one.placed.in_pdf
        worst = f" (worst {100 * max(offset.most for offset in placed):.0f} %)" if placed else ""
        places = f"{within(placed)} of {len(placed)}{worst}" if placed else ""
        verdict = ", ".join(missed[one.name]) or "reached"
        lines.append(
            f"| [{one.name}](#{one.name}) | {len(one.files)} "
            f"| {_errors(one.plain)} | {_errors(one.ours)} | {places} | {verdict} |"
        )
    return "\n".join(lines)


def in_short(results: Sequence[Result]) -> str:
    """A row for each class of IN_SHORT, with characters alone."""
    by_name = {one.name: one for one in results}
    rows = [
        f"| {name} | {by_name[name].plain.character_error:.1f} | {by_name[name].ours.character_error:.1f} |"
        for name in IN_SHORT
        if name in by_name
    ]
    return "\n".join(["| | plain | ours |", "|---|---|---|", *rows])


def _errors(of: Tally) -> str:
    return f"{of.character_error:.2f}, {of.word_error:.2f}"


def examples(results: Iterable[Result], folder: str) -> str:
    """Of each class the file that plain reads worst, beside the picture of that name in the folder."""
    return "\n\n".join(_example(one, folder) for one in results)


def shown(result: Result) -> File:
    """The file that stands for its class: the one that plain reads worst."""
    return max(result.files, key=lambda file: tally(file.true, file.plain.text).character_error)


def misses(results: Iterable[Result], missed: Mapping[str, Sequence[str]]) -> str:
    """Where a class misses something: what stands in its files and what ours has read there."""
    found = [line for one in results if missed[one.name] for line in _miss(one, missed[one.name])]
    return "\n".join(found) or "None."


def ends(ladders: Iterable[tuple[str, Sequence[Step]]]) -> str:
    """Where reading ends: of each damage a row of strengths, each with ours, and plain in brackets."""
    lines = ["| | | | | | |", "|---|---|---|---|---|---|"]
    for name, steps in ladders:
        lines.append(f"| **{name}** | {' | '.join(f'**{step.strength}**' for step in steps)} |")
        lines.append(f"| ours (plain) | {' | '.join(f'{step.ours:.1f} ({step.plain:.1f})' for step in steps)} |")
    return "\n".join(lines)


def _example(result: Result, folder: str) -> str:
    file = shown(result)
    plain, ours = (tally(file.true, read.text).character_error for read in (file.plain, file.ours))
    steps = ", ".join(file.ours.steps) or "nothing was done to it"
    return f"""### {result.name}

<table><tr>
<td><img src="{folder}/{result.name}.webp" width="260" alt="{result.name}/{file.name}"></td>
<td>plain, {plain:.1f} % wrong
<pre>{_beginning(file.plain.text)}</pre>
ours, {ours:.1f} % wrong ({html.escape(steps)})
<pre>{_beginning(file.ours.text or file.ours.problem)}</pre></td>
</tr></table>"""


def _beginning(text: str) -> str:
    """The first lines, each cut to what a page has room for; a blank line would end the table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    cut = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in lines[:_LINES]]
    return html.escape("\n".join(cut) or "(nothing)")


def _miss(result: Result, missed: Sequence[str]) -> Iterator[str]:
    yield f"- **{result.name}** ({', '.join(missed)})"
    for file in result.files:
        found = list(differences(file.true, file.ours.text))
        far = [f"{one.text} by {100 * one.most:.0f} %" for one in file.placed.in_pdf if not one.is_within]
        parts = [f"{_code(true)} read as {_code(read)}" for true, read in found[:_SNIPPETS]]
        parts += [f"{len(found) - _SNIPPETS} more"] if len(found) > _SNIPPETS else []
        parts += [f"misplaced: {', '.join(far[:_SNIPPETS])}"] if far else []
        if parts:
            yield f"  - {file.name}: {'; '.join(parts)}"


def _code(text: str) -> str:
    cut = text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
    return f"`{cut.replace('`', '´')}`" if cut else "nothing"
