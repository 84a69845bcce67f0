"""The order of looks, and which reading is kept: the engine is a table of the tests' own."""

import dataclasses

import pytest
from PIL import Image

from ocr_server.engine import EngineFailed, EngineTimeout
from ocr_server.image import Page
from ocr_server.looks import Look, best_look
from ocr_server.options import Options
from ocr_server.reading import Reading, TextLine

LATIN, CHINESE, BOTH = ("fra", "eng"), ("chi_tra",), ("fra", "eng", "chi_tra")
PAGE = Page(Image.new("L", (600, 800)), 300, steps=("scaled x0.5",))
AUTO = Options(LATIN, 3, "auto", or_languages=(CHINESE, BOTH), is_auto=True)
ENGLISH = Options(("eng",), 3, "auto")

GOOD = Reading("a page of good text", (95.0,) * 5)
GARBAGE = Reading("qfJ o6ed v 4o spoo6", (41.0,) * 5)
POOR = Reading("a paqe of g00d text", (65.0,) * 5)
EMPTY = Reading(" \n\f", (95.0,))


def lines(*said: tuple[str, float]) -> Reading:
    """A page of lines, each with its confidence."""
    stand = tuple(TextLine((20, 40 * y, 400, 40 * y + 30), text, sure) for y, (text, sure) in enumerate(said))
    return Reading("\n".join(text for text, _ in said), tuple(sure for _, sure in said), None, stand)


class Table:
    """What is read by "turned", languages and mode; a few lines of the page by "part"; all else is `otherwise`."""

    def __init__(self, otherwise: Reading = GARBAGE, **said: Reading | Exception) -> None:
        self._otherwise = otherwise
        self._said = said
        self.looks: list[str] = []
        self.guesses: list[str] = []

    def __call__(self, page: Page, languages: tuple[str, ...], mode: int, is_guess: bool) -> Reading:
        degrees = {"rotate 180": "turned_", "rotate 90": "left_", "rotate 270": "right_"}
        turned = "".join(degrees.get(step, "") for step in page.steps)
        part = "part_" if page.image.size not in (PAGE.image.size, PAGE.image.size[::-1]) else ""
        look = f"{part}{turned}{languages[0] if languages != BOTH else 'both'}_{mode}"
        self.looks.append(look)
        self.guesses += [look] * is_guess
        said = self._said.get(look, self._otherwise)
        if isinstance(said, Exception):
            raise said
        return said


def _kept(look: Look) -> tuple[Reading, tuple[str, ...], tuple[str, ...]]:
    return look.reading, look.languages, (*look.page.steps, *look.again)


def test_a_page_that_is_read_surely_is_read_once() -> None:
    table = Table(fra_3=GOOD)
    assert _kept(best_look(PAGE, AUTO, table)) == (GOOD, LATIN, ("scaled x0.5",))
    assert table.looks == ["fra_3"]


def test_a_page_that_lies_on_its_head_is_turned_and_all_is_of_the_turned_one() -> None:
    table = Table(turned_eng_3=GOOD)
    look = best_look(PAGE, ENGLISH, table)
    assert _kept(look) == (GOOD, ("eng",), ("scaled x0.5", "rotate 180"))
    assert look.page.to_stored.of((0, 0)) == (600, 800)


def test_what_is_no_better_the_other_way_up_stays_as_it_is() -> None:
    table = Table(POOR, turned_eng_3=GARBAGE, left_eng_3=GARBAGE, right_eng_3=GARBAGE)
    assert _kept(best_look(PAGE, ENGLISH, table)) == (POOR, ("eng",), ("scaled x0.5",))
    assert table.looks == ["eng_3", "turned_eng_3", "left_eng_3", "right_eng_3"]


BAD_LINES = lines(*[("qfJ o6ed v 4o spoo6", 41)] * 9)


def test_what_else_could_be_meant_is_tried_on_a_few_lines() -> None:
    good = lines(*[("a page of good text", 95)] * 9)
    table = Table(BAD_LINES, part_turned_eng_6=GOOD, turned_eng_3=good)
    assert best_look(PAGE, ENGLISH, table).reading == good
    assert table.looks == ["eng_3", "part_turned_eng_6", "turned_eng_3"]


@pytest.mark.parametrize("surest", ["turned_eng", "left_eng", "right_eng"])
def test_the_way_up_is_the_one_in_which_these_are_surest(surest: str) -> None:
    said = {"part_turned_eng_6": POOR, f"part_{surest}_6": GOOD, f"{surest}_3": GOOD}
    table = Table(BAD_LINES, **said)
    assert best_look(PAGE, ENGLISH, table).reading == GOOD


def test_a_photo_without_text_costs_one_whole_look() -> None:
    for options in (ENGLISH, AUTO):
        table = Table(BAD_LINES)
        assert best_look(PAGE, options, table).reading == BAD_LINES
        assert [look for look in table.looks if not look.startswith("part")] == table.looks[:1]
        assert table.guesses == table.looks[1:]
    table = Table(Reading("i l", (30.0, 20.0)))
    best_look(PAGE, ENGLISH, table)
    assert table.looks == ["eng_3"]


def test_what_only_a_second_look_finds_is_not_turned() -> None:
    table = Table(GARBAGE, eng_3=EMPTY)
    assert best_look(PAGE, ENGLISH, table).reading == GARBAGE
    assert table.looks == ["eng_3", "eng_6"]


def test_a_sure_trifle_among_the_few_lines_is_no_reason() -> None:
    table = Table(BAD_LINES, part_turned_eng_6=Reading("II", (96.0,)))
    assert best_look(PAGE, ENGLISH, table).reading == BAD_LINES


MIXED = lines(*[("The agenda is on the server", 96)] * 6, *[("BOKER SB", 22)] * 3)


def test_lines_of_another_script_among_sure_ones_are_read_with_both() -> None:
    chinese, both = Reading("第三次專案會議將於", (91.0,) * 9), lines(*[("The agenda is on the server", 96)] * 9)
    table = Table(fra_3=MIXED, part_chi_tra_6=chinese, both_3=both)
    look = best_look(PAGE, AUTO, table)
    assert (look.reading, look.languages) == (both, BOTH)
    assert table.looks == ["fra_3", "part_chi_tra_6", "both_3"]


def test_one_doubtful_line_is_enough() -> None:
    heading = lines(("je AG al", 31), *[("The agenda is on the server", 96)] * 30)
    table = Table(fra_3=heading, part_chi_tra_6=Reading("海邊的圖書館", (91.0,) * 6), both_3=GARBAGE)
    best_look(PAGE, AUTO, table)
    assert table.looks == ["fra_3", "part_chi_tra_6", "both_3"]


def test_a_few_doubtful_lines_that_no_other_script_reads_change_nothing() -> None:
    table = Table(GARBAGE, fra_3=MIXED)
    assert best_look(PAGE, AUTO, table).reading == MIXED
    assert table.looks == ["fra_3", "part_chi_tra_6"]


@pytest.mark.parametrize(("as_latin", "as_chinese", "kept"), [(89, 96, CHINESE), (93, 99, LATIN), (91, 93, LATIN)])
def test_a_word_is_tried_in_the_other_script_even_if_it_seems_to_be_read(
    as_latin: float, as_chinese: float, kept: tuple[str, ...]
) -> None:
    table = Table(fra_6=Reading("BA", (as_latin,)), chi_tra_6=Reading("登入", (as_chinese,)))
    word = Page(Image.new("L", (600, 800)), None, is_line=True)
    assert best_look(word, AUTO, table).languages == kept


SIMPLIFIED = ("chi_sim",)


@pytest.mark.parametrize(("as_traditional", "as_simplified", "kept"), [(92, 78, CHINESE), (87, 87, SIMPLIFIED)])
@pytest.mark.parametrize("is_latin_first", [True, False])
def test_of_the_two_ways_to_write_chinese_the_right_one_is_found(
    as_traditional: float, as_simplified: float, kept: tuple[str, ...], is_latin_first: bool
) -> None:
    traditional, simplified = (lines(*[("圖書館建在港口旁邊", sure)] * 9) for sure in (as_traditional, as_simplified))
    said = {"fra_3": BAD_LINES, "chi_tra_3": traditional, "chi_sim_3": simplified}
    parts = {"part_chi_tra_6": traditional, "part_chi_sim_6": simplified}
    others = (CHINESE, SIMPLIFIED) if is_latin_first else (SIMPLIFIED,)
    options = Options(LATIN if is_latin_first else CHINESE, 3, "auto", or_languages=others, is_auto=True)
    assert best_look(PAGE, options, Table(**said, **parts)).languages == kept


CHINESE_FIRST = Options(CHINESE, 3, "auto", or_languages=(BOTH, LATIN), is_auto=True)


@pytest.mark.parametrize(("chinese_lines", "languages"), [(0, LATIN), (1, BOTH), (9, CHINESE)])
def test_where_chinese_comes_first_whole_lines_in_latin_letters_ask_for_other_languages(
    chinese_lines: int, languages: tuple[str, ...]
) -> None:
    said = [("第三次專案會議 OCR 系統", 90.0)] * chinese_lines + [("on the serverD", 85.0)] * (9 - chinese_lines)
    table = Table(lines(*said), fra_3=lines(*[("on the server", 96)] * 9), both_3=lines(*[("on the server", 96)] * 9))
    assert best_look(PAGE, CHINESE_FIRST, table).languages == languages


def test_another_script_is_tried_before_the_page_is_turned() -> None:
    table = Table(chi_tra_3=GOOD)
    assert _kept(best_look(PAGE, AUTO, table)) == (GOOD, CHINESE, ("scaled x0.5",))
    assert table.looks == ["fra_3", "chi_tra_3"]


def test_a_page_in_the_other_script_that_lies_on_its_head_is_found_too() -> None:
    table = Table(turned_chi_tra_3=GOOD)
    assert _kept(best_look(PAGE, AUTO, table)) == (GOOD, CHINESE, ("scaled x0.5", "rotate 180"))


def test_languages_of_two_scripts_that_were_asked_for_are_tried_the_other_way_up_too() -> None:
    table = Table(turned_both_3=GOOD)
    assert best_look(PAGE, Options(BOTH, 3, "auto"), table).reading == GOOD


@pytest.mark.parametrize("options", [Options(LATIN, 6, "auto"), Options(LATIN, 3, "none")])
def test_nothing_is_turned_of_those_who_were_told_how_to_look(options: Options) -> None:
    table = Table()
    best_look(PAGE, options, table)
    assert table.looks == [f"fra_{options.page_seg_mode}"]


@pytest.mark.parametrize(
    "options", [Options(LATIN, 7, "auto", (), (CHINESE,)), Options(LATIN, 3, "none", (), (CHINESE,))]
)
def test_the_choice_among_languages_is_no_matter_of_preprocessing_or_mode(options: Options) -> None:
    table = Table(**{f"chi_tra_{options.page_seg_mode}": GOOD})
    assert best_look(PAGE, options, table).reading == GOOD


def test_where_one_script_gives_nothing_the_other_is_tried_as_a_block() -> None:
    table = Table(EMPTY, chi_tra_6=GOOD)
    look = best_look(PAGE, AUTO, table)
    assert (look.reading, look.languages) == (GOOD, CHINESE)
    assert table.looks == ["fra_3", "fra_6", "fra_7", "fra_8", "chi_tra_6"]


@pytest.mark.parametrize(
    ("told", "options", "dpi"),
    [
        (None, ENGLISH, 150),
        (None, Options(CHINESE, 3, "auto"), 300),
        (200, ENGLISH, 200),
        (None, Options(("eng",), 3, "none"), None),
    ],
)
def test_what_no_file_tells_of_its_resolution_is_supposed(told: int | None, options: Options, dpi: int | None) -> None:
    seen = list[int | None]()

    def read(page: Page, *_: object) -> Reading:
        seen.append(page.dpi)
        return GOOD

    page = Page(PAGE.image, told)
    assert best_look(page, options, read).page == page
    assert seen == [dpi]


def test_a_blank_page_is_looked_at_once() -> None:
    table = Table(EMPTY, chi_tra_6=GARBAGE)
    blank = Page(PAGE.image, None, is_blank=True)
    assert best_look(blank, AUTO, table).reading == EMPTY
    assert table.looks == ["fra_3"]


@pytest.mark.parametrize("error", [EngineTimeout(), EngineFailed("Image too small")])
def test_when_the_time_is_over_or_the_engine_gives_up_what_there_is_is_kept(error: Exception) -> None:
    table = Table(turned_eng_3=error)
    assert best_look(PAGE, ENGLISH, table).reading == GARBAGE
    table = Table(EMPTY, eng_6=error, eng_7=error, eng_8=error)
    assert _kept(best_look(PAGE, ENGLISH, table)) == (EMPTY, ("eng",), ("scaled x0.5",))
    with pytest.raises(type(error)):
        best_look(PAGE, ENGLISH, Table(eng_3=error))


def test_a_wide_crop_of_a_line_does_not_lie_on_its_side() -> None:
    crop = dataclasses.replace(PAGE, image=PAGE.image.crop((0, 0, 400, 60)), is_line=True, clearer=lambda: PAGE)
    table = Table()
    best_look(crop, ENGLISH, table)
    assert any("turned" in look for look in table.looks)
    assert not any("left" in look or "right" in look for look in table.looks)


def test_a_word_on_its_head_is_turned_if_it_is_read_surely_then() -> None:
    for sure, steps in ((96.0, ("scaled x0.5", "rotate 180")), (80.0, ("scaled x0.5",))):
        table = Table(Reading("inoqueH", (25.0,)), turned_eng_3=Reading("Harbour", (sure,)))
        assert best_look(PAGE, ENGLISH, table).page.steps == steps


def test_a_crop_that_is_taken_to_pieces_is_looked_at_as_a_block_or_a_line() -> None:
    pieces, whole = Reading("PH\n|", (24.0, 21.0)), Reading("設定", (93.0,))
    crop = dataclasses.replace(PAGE, clearer=lambda: PAGE)
    kept = best_look(crop, Options(CHINESE, 3, "auto"), Table(chi_tra_3=pieces, chi_tra_6=whole))
    assert _kept(kept) == (whole, CHINESE, ("scaled x0.5", "looked again as a block"))
    kept = best_look(crop, AUTO, Table(fra_3=pieces, chi_tra_7=whole))
    assert (kept.reading, kept.languages) == (whole, CHINESE)


def test_a_receipt_that_the_engine_reads_on_its_side_is_read_row_by_row_all_the_same() -> None:
    rows = [(500 - 40 * row, 30 * row) for row in range(5)]
    boxes = [(x, top, x + 30, top + 200) for x, _ in rows for top in (20, 600)]
    lying = Reading("bread milk", (95.0,) * 2, None, tuple(TextLine(box, "bread", 95) for box in boxes))
    kept = best_look(PAGE, ENGLISH, Table(lying, right_eng_6=GOOD))
    assert _kept(kept) == (GOOD, ("eng",), ("scaled x0.5", "rotate 270", "looked again as a block"))


def test_what_a_second_look_makes_of_a_photo_is_no_text() -> None:
    assert best_look(PAGE, ENGLISH, Table(Reading("< Pe ee i", (17.0,) * 4), eng_3=EMPTY)).reading.is_empty
    assert best_look(PAGE, ENGLISH, Table(EMPTY, eng_6=GOOD)).reading == GOOD
