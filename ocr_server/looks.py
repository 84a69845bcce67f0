"""How a page is looked at, in order, and which of the readings is kept. Pure: reading is a function that it is given.

Most pages are read once. Only what a reading itself shows leads to another one: no text; text of which the engine is
unsure, as it is when a page lies on its head or is in another script; short lines side by side, as in a table. The
better one is kept, so what is tried in vain costs time and nothing else.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Final

from .engine import EngineTimeout
from .image import Page, turned
from .options import Options
from .reading import UNSURE, Reading, stands_in_cells

FULL_PAGE_MODES: Final = (1, 3)
BLOCK: Final = 6
SECOND_LOOKS: Final = {BLOCK: "a block", 7: "a line", 8: "a word"}
"""How a page is looked at again that the engine's layout analysis finds empty, and a single line from the start."""

ENOUGH_LETTERS: Final = 12
"""Fewer say nothing of how a page lies: photos of things give some."""

BETTER_BY: Final = 1.2
"""How many times as good another way up, or another script, must be."""

AS_GOOD: Final = 0.9
"""How good, of the first reading, a table must be when it is read row by row: lines around its cells may hide some."""

Languages = tuple[str, ...]
Read = Callable[[Page, Languages, int], Reading]
"""Page, languages, page segmentation mode. Raises EngineTimeout when the time for the image is over."""


@dataclasses.dataclass(frozen=True)
class Look:
    """A page as it was looked at, and what was read. again: as what after the first look, "" at that one."""

    page: Page
    languages: Languages
    mode: int
    reading: Reading
    again: tuple[str, ...] = ()


def best_look(page: Page, options: Options, read: Read) -> Look:
    """The look that is kept. Raises what `read` does, but no EngineTimeout once there is text."""
    return _Looks(page, options, read).best()


class _Looks:
    def __init__(self, page: Page, options: Options, read: Read) -> None:
        self._page = page
        self._options = options
        self._read = read
        self._sets = (options.languages, *options.or_languages)
        self._may_try = options.preprocess == "auto" and options.page_seg_mode in FULL_PAGE_MODES and not page.is_blank

    def best(self) -> Look:
        kept = self._first_with_text()
        if not kept.reading.is_empty and kept.reading.confidence < UNSURE:
            kept = self._better(kept)
        if self._may_try and kept.mode in FULL_PAGE_MODES and stands_in_cells(kept.reading.lines):
            kept = self._row_by_row(kept)
        return kept

    def _first_with_text(self) -> Look:
        again: tuple[str, ...] = ()
        for number, (languages, mode) in enumerate(self._first_looks()):
            if number and mode in SECOND_LOOKS:
                again = (*again, f"looked again as {SECOND_LOOKS[mode]}")
            look = self._look(self._page, languages, mode, again)
            if not look.reading.is_empty:
                break
        return look

    def _first_looks(self) -> list[tuple[Languages, int]]:
        asked = self._options.page_seg_mode
        modes = [asked]
        if self._may_try:
            modes = [*SECOND_LOOKS] if self._page.is_line else [asked, *SECOND_LOOKS]
        others = () if self._page.is_blank else self._options.or_languages
        again = BLOCK if self._may_try else asked
        return [(self._options.languages, mode) for mode in modes] + [(languages, again) for languages in others]

    def _better(self, kept: Look) -> Look:
        """The first that is sure, of those in other scripts and the other way up; else the surest."""
        for page, languages in self._others(kept):
            look = self._try(page, languages, kept.mode, kept.again)
            if look and look.reading.worth > BETTER_BY * kept.reading.worth:
                kept = look
            if kept.reading.confidence >= UNSURE:
                break
        return kept

    def _others(self, kept: Look) -> Iterator[tuple[Page, Languages]]:
        yield from ((kept.page, languages) for languages in self._sets if languages != kept.languages)
        if self._may_try and kept.reading.letters >= ENOUGH_LETTERS:
            upside_down = turned(kept.page, 180)
            yield from ((upside_down, languages) for languages in self._sets)

    def _row_by_row(self, kept: Look) -> Look:
        look = self._try(kept.page, kept.languages, BLOCK, (*kept.again, f"looked again as {SECOND_LOOKS[BLOCK]}"))
        return look if look and look.reading.worth >= AS_GOOD * kept.reading.worth else kept

    def _try(self, page: Page, languages: Languages, mode: int, again: tuple[str, ...]) -> Look | None:
        """A look that there need not be: None when the time is over."""
        try:
            return self._look(page, languages, mode, again)
        except EngineTimeout:
            return None

    def _look(self, page: Page, languages: Languages, mode: int, again: tuple[str, ...]) -> Look:
        return Look(page, languages, mode, self._read(page, languages, mode), again)
