"""How a page is looked at, in order, and which of the readings is kept. Pure: reading is a function that it is given.

Most pages are read once. Only what a reading itself shows leads to another one: no text; text of which the engine is
unsure, as it is when a page lies on its head or is in another script; short lines side by side, as in a table. What
else could be meant is tried on a few lines, so that a photo without text costs little more than one look; and of two
readings of the whole page the better one is kept.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Final

from .engine import EngineFailed, EngineTimeout
from .image import Page, turned
from .options import Options
from .reading import (
    FEW_LETTERS,
    UNSURE,
    Reading,
    are_out_of_order,
    are_upright,
    laid_level,
    most_doubtful,
    stands_in_cells,
)
from .scripts import LATIN, Languages, are_alike, is_for_two_scripts, script_of, surer_by
from .unread import unread_beside
from .ways import CERTAIN, TURNS, Way, surest_way

FULL_PAGE_MODES: Final = (1, 3)
COLUMN, BLOCK, LINE, WORD = 4, 6, 7, 8
SECOND_LOOKS: Final = {BLOCK: "a block", LINE: "a line", WORD: "a word"}
"""How a page is looked at again that the engine's layout analysis finds empty, and a single line from the start."""

ROW_MODES: Final = {BLOCK: "a block", COLUMN: "a column"}
"""How rows are read: in a block boxes around words, as in forms, hide these."""

ENOUGH_LETTERS: Final = 12
"""Fewer say nothing of how a page lies: photos of things give some."""

NO_TEXT: Final = 40.0
"""Confidence of what only a second look finds on a whole page: below, it is a photo's leaves or grain."""

TURN_UNSURE: Final = 60.0
TURN_SURE: Final = 88.0
"""Confidence: how unsure the engine must be of fewer letters, and how sure of them the other way up."""

WIDE: Final = 2.0
"""How many times as wide as high the crop of a line is that cannot lie on its side."""

LATIN_DPI: Final = 150
OTHER_DPI: Final = 300
"""Dots an inch of a page whose file does not tell. Tesseract supposes 70, and reads Chinese badly then
(docs/decisions.md). Latin pages have been scaled down to small letters."""

CLEAR: Final = 90.0
"""Confidence of a crop that is looked at once: 97 of 100 that are read rightly have more."""

SHORT: Final = 5
SHORT_SURE: Final = 92.0
SHORT_SURER_BY: Final = 4.0
"""Letters, and confidences. A word of another script may be read surely as a wrong one. Of 104 Chinese words 93 are
found so, and of 198 English ones none is taken for Chinese."""

AS_GOOD: Final = 0.97
"""How good, of the first reading, a table must be when it is read row by row: lines around its cells may hide some."""

BETTER: Final = 1.05
"""The same where a first reading left out what may be cells, or may be a picture."""

Read = Callable[[Page, Languages, int, bool], Reading]
"""Page, languages, page segmentation mode, and whether it is a guess, which gets less time. Raises EngineTimeout."""


@dataclasses.dataclass(frozen=True)
class Look:
    """A page as it was looked at, and what was read. again: what is told of it, nothing of a first look."""

    page: Page
    languages: Languages
    mode: int
    reading: Reading
    again: tuple[str, ...] = ()


def best_look(page: Page, options: Options, read: Read) -> Look:
    """The look that is kept. Raises what `read` does, but EngineTimeout and EngineFailed of the first look only."""
    return _Looks(page, options, read).best()


class _Looks:
    def __init__(self, page: Page, options: Options, read: Read) -> None:
        self._page = page
        self._options = options
        self._read = read
        self._sets = (options.languages, *options.or_languages)
        is_full_page = options.page_seg_mode in FULL_PAGE_MODES
        self._may_try = is_full_page and options.preprocess == "auto" and not page.is_blank

    def best(self) -> Look:
        kept = self._first_with_text()
        if kept.reading.is_empty:
            return kept
        kept = self._whole(self._clearer(kept))
        kept = self._in_all_scripts(self._the_right_way(self._if_short(kept)))
        if self._may_try and kept.mode in FULL_PAGE_MODES:
            kept = self._row_by_row(kept)
        return kept

    def _first_with_text(self) -> Look:
        (languages, mode), *others = self._first_looks()
        found = self._look(self._page, languages, mode)
        for languages, mode in others:
            if not found.reading.is_empty:
                break
            again = (*found.again, f"looked again as {SECOND_LOOKS[mode]}") if mode in SECOND_LOOKS else found.again
            look = self._try(self._page, languages, mode, again, is_guess=True)
            if look and (self._page.clearer or not 0 < look.reading.confidence < NO_TEXT):
                found = look
        return found

    def _first_looks(self) -> list[tuple[Languages, int]]:
        asked = self._options.page_seg_mode
        modes = [asked]
        if self._may_try:
            modes = [*SECOND_LOOKS] if self._page.is_line else [asked, *SECOND_LOOKS]
        others = () if self._page.is_blank else self._scripts()[1:]
        again = BLOCK if self._may_try else asked
        return [(self._options.languages, mode) for mode in modes] + [(languages, again) for languages in others]

    def _clearer(self, kept: Look) -> Look:
        """A crop made in another way, if the engine is surer of that, or sees a space that it did not see before."""
        if not self._may_try or kept.page.clearer is None or kept.reading.confidence >= CLEAR:
            return kept
        again = (*kept.again, "looked again in full contrast")
        look = self._try(kept.page.clearer(), kept.languages, kept.mode, again, is_guess=True)
        return look if look and look.reading.is_clearer_than(kept.reading) else kept

    def _whole(self, kept: Look) -> Look:
        """A crop that the layout analysis took to pieces, as it does with two or three Chinese characters."""
        is_crop = self._may_try and self._page.clearer is not None
        if not is_crop or kept.mode == BLOCK or kept.reading.confidence >= UNSURE:
            return kept
        for languages, mode in itertools.product(self._scripts(), (BLOCK, LINE)):
            again = (*kept.again, f"looked again as {SECOND_LOOKS[mode]}")
            look = self._try(self._page, languages, mode, again, is_guess=True)
            if look and look.reading.confidence >= CERTAIN:
                return look
        return kept

    def _if_short(self, kept: Look) -> Look:
        """A few letters in another script, if the engine is surer of these."""
        for languages in self._scripts()[1:]:
            alike, confidence = are_alike(languages, kept.languages), kept.reading.confidence
            if kept.reading.letters > SHORT or (confidence >= SHORT_SURE and not alike):
                continue
            look = self._try(kept.page, languages, kept.mode, kept.again, is_guess=True)
            by = surer_by(languages, kept.languages) if alike else SHORT_SURER_BY
            if look and look.reading.confidence > confidence + by:
                kept = look
        return kept

    def _the_right_way(self, kept: Look) -> Look:
        """In the script, and the way up, in which it is surest."""
        ways = self._other_ways(kept)
        lines = most_doubtful(kept.reading.lines)
        is_page = 2 * len(lines) < len(kept.reading.lines)
        if ways and is_page:
            surest = surest_way(kept.page, kept.languages, lines, ways, self._guess)
            ways = [surest] if surest else []
        first = kept
        for degrees, languages in ways:
            page = turned(first.page, degrees) if degrees else first.page
            asked = languages if degrees else self._with_latin(languages, first.reading)
            look = self._try(page, asked, first.mode, first.again, is_guess=not is_page)
            is_alike = is_page and are_alike(languages, kept.languages)  # the few lines have told it
            least = TURN_SURE if degrees and first.reading.letters < ENOUGH_LETTERS else 0.0
            if look and look.reading.confidence >= least and (look.reading.worth > kept.reading.worth or is_alike):
                kept = look
            if kept.reading.confidence >= CERTAIN:
                break
        return kept

    def _other_ways(self, kept: Look) -> list[Way]:
        """Those that are to be tried after such a look, the likely ones first."""
        scripts, reading = self._scripts(), kept.reading
        is_unsure = reading.confidence < UNSURE
        is_doubtful = is_unsure or any(line.is_doubtful for line in reading.lines)
        others = [one for one in scripts if one != kept.languages]
        upright = [(0, one) for one in others if is_doubtful or are_alike(one, kept.languages)]
        # What only a second look found is no page of text, whichever way is up.
        is_much = reading.letters >= ENOUGH_LETTERS
        is_word = reading.letters >= FEW_LETTERS and 0 < reading.confidence < TURN_UNSURE
        may_turn = self._may_try and is_unsure and (is_much or is_word) and not kept.again
        width, height = kept.page.image.size
        turns = TURNS[:1] if kept.page.is_line and width > WIDE * height else TURNS
        return upright + [(degrees, languages) for degrees in turns for languages in scripts if may_turn]

    def _scripts(self) -> list[Languages]:
        """The sets to choose among, the first one first; without those for pages in two scripts."""
        others = (languages for languages in self._options.or_languages if not is_for_two_scripts(languages))
        return [self._options.languages, *others]

    def _in_all_scripts(self, kept: Look) -> Look:
        """Of a page whose first language is in another script: in Latin letters too, or only, if lines show these."""
        if script_of(kept.languages[0]) == LATIN:
            return kept
        languages = self._with_latin(kept.languages, kept.reading)
        lines = kept.reading.lines
        if lines and all(line.is_latin or line.text.isascii() or line.is_doubtful for line in lines):
            languages = next((one for one in self._sets if set(map(script_of, one)) == {LATIN}), languages)
        if languages == kept.languages:
            return kept
        look = self._try(kept.page, languages, kept.mode, kept.again)
        return look if look and look.reading.worth > kept.reading.worth else kept

    def _with_latin(self, languages: Languages, reading: Reading) -> Languages:
        """These, with those in Latin letters where lines of the reading are surely in them."""
        if not any(line.is_latin and line.confidence >= UNSURE for line in reading.lines):
            return languages
        return next((one for one in self._sets if is_for_two_scripts(one) and set(one) > set(languages)), languages)

    def _row_by_row(self, kept: Look) -> Look:
        """A table, a receipt, a chat; upright also where the engine has read it on its side."""
        page, lines = kept.page, kept.reading.lines
        if are_upright(lines):
            page, lines = turned(page, 270), tuple(laid_level(lines, page.image.width))
        least = AS_GOOD
        if not stands_in_cells(lines) and not are_out_of_order(lines):
            unread = unread_beside(page, lines)
            if not unread or not stands_in_cells([*lines, *unread]):
                return kept
            least = BETTER
        for mode in ROW_MODES:
            look = self._try(page, kept.languages, mode, (*kept.again, f"looked again as {ROW_MODES[mode]}"))
            if look and look.reading.worth >= least * kept.reading.worth:
                return look
        return kept

    def _guess(self, part: Page, languages: Languages) -> Reading | None:
        look = self._try(part, languages, BLOCK, (), is_guess=True)
        return look.reading if look else None

    def _try(
        self, page: Page, languages: Languages, mode: int, again: tuple[str, ...], is_guess: bool = False
    ) -> Look | None:
        """A look that there need not be: None when the time for it is over, or the engine gives it up."""
        try:
            return self._look(page, languages, mode, again, is_guess)
        except (EngineTimeout, EngineFailed):
            return None

    def _look(
        self, page: Page, languages: Languages, mode: int, again: tuple[str, ...] = (), is_guess: bool = False
    ) -> Look:
        seen = page
        if page.dpi is None and self._options.preprocess == "auto":
            is_latin = all(script_of(language) == LATIN for language in languages)
            seen = dataclasses.replace(page, dpi=LATIN_DPI if is_latin else OTHER_DPI)
        return Look(page, languages, mode, self._read(seen, languages, mode, is_guess), again)
