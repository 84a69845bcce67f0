"""Tesseract's table and hOCR, and what of them is believed."""

import pytest

from ocr_server.outputs.layout import Layout
from ocr_server.outputs.tesseract import layout_from
from tests.unit.ocr_server.outputs.laid_out import texts

HEAD = "level page_num block_num par_num line_num word_num left top width height conf text".replace(" ", "\t")


def tsv(*words: str, line: str = "100 200 300 50") -> str:
    """A table of one line; each word is its box, confidence and text."""
    rows = ["1 1 0 0 0 0 0 0 1000 800 -1 ", *(f"{level} 1 1 1 1 0 {line} -1 " for level in (2, 3, 4))]
    rows += [f"5 1 1 1 1 {number} {word}" for number, word in enumerate(words, 1)]
    return "".join("\t".join(row.split(" ", 11)) + "\n" for row in rows)


def hocr(line: str = "", paragraph: str = "lang='eng'", *words: str, kind: str = "ocr_line") -> str:
    box = "bbox 100 200 400 250"
    found = f"<p class='ocr_par' id='par_1_1' {paragraph} title=\"{box}\">"
    found += f"<span class='{kind}' id='line_1_1' title=\"{box}{line}\">"
    return found + "".join(f"<span class='ocrx_word' id='word_1_1' {word}>x</span>" for word in words)


WORDS = ("100 205 120 45 96.5 one", "240 200 160 50 -1 two")


def test_the_table_of_the_program_and_of_the_library_mean_the_same() -> None:
    library = tsv(*WORDS)
    assert layout_from(library, hocr()) == layout_from(f"{HEAD}\n{library}", hocr())


def test_words_have_their_boxes_and_confidences_of_0_to_100() -> None:
    found = layout_from(tsv(*WORDS), hocr())
    (_, line), *_ = found.numbered_lines()
    assert (found.width, found.height) == (1000, 800)
    assert [(word.text, word.confidence, word.box) for word in line.words] == [
        ("one", 96.5, (100, 205, 220, 250)),
        ("two", 0.0, (240, 200, 400, 250)),
    ]


@pytest.mark.parametrize("kind", ["ocr_line", "ocr_header", "ocr_textfloat", "ocr_caption"])
def test_words_stand_on_the_line_s_base_line(kind: str) -> None:
    said = "; baseline 0.03 -9; x_size 60; x_descenders 12; x_ascenders 15"
    (_, line), *_ = layout_from(tsv(*WORDS), hocr(said, kind=kind)).numbered_lines()
    assert (line.start, line.end, line.rise) == ((100, 241), (400, 250), (0, -48))
    assert (line.words[0].start, line.words[1].end) == ((100, 241), (400, 250))
    assert line.words[0].end == pytest.approx((220, 244.6))


@pytest.mark.parametrize(
    ("angle", "line", "word", "rise"),
    [
        (90, ((388, 250), (388, 200)), ((388, 250), (388, 205)), (-48, 0)),
        (180, ((400, 212), (100, 212)), ((220, 212), (100, 212)), (0, 48)),
        (270, ((112, 200), (112, 250)), ((112, 205), (112, 250)), (48, 0)),
    ],
)
def test_lines_that_are_not_upright_have_their_base_line_at_their_own_foot(
    angle: int, line: object, word: object, rise: object
) -> None:
    said = f"; textangle {angle}; x_size 60; x_descenders 12; x_ascenders 15"
    (_, found), *_ = layout_from(tsv(*WORDS), hocr(said)).numbered_lines()
    assert (found.start, found.end) == line
    assert (found.words[0].start, found.words[0].end) == word
    if angle == 180:  # the box is not as high as a line of the other angles would be long
        assert found.rise == rise


@pytest.mark.parametrize("said", ["", "; x_size 2; x_descenders 1", "; x_size 4000; x_descenders 1"])
def test_a_height_that_cannot_be_is_the_box_s(said: str) -> None:
    (_, line), *_ = layout_from(tsv(*WORDS), hocr(said)).numbered_lines()
    assert line.rise == (0, -50)


def test_languages_and_directions_are_the_paragraph_s_unless_a_word_has_its_own() -> None:
    said = "lang='heb' dir='rtl'", "title='bbox 240 200 400 250; x_wconf 9' lang='eng' dir='ltr'"
    (_, line), *_ = layout_from(tsv(*WORDS), hocr("", *said)).numbered_lines()
    assert [(word.language, word.is_rtl) for word in line.words] == [("heb", True), ("eng", False)]


def test_a_blank_of_which_the_engine_is_sure_is_no_word() -> None:
    assert layout_from(tsv("0 0 1000 800 95  "), "") == Layout(1000, 800)


def test_an_empty_page_has_a_size() -> None:
    assert layout_from("1\t1\t0\t0\t0\t0\t0\t0\t30\t29\t-1\t\n", "<div class='ocr_page'></div>") == Layout(30, 29)


def test_what_no_format_can_hold_is_taken_out() -> None:
    assert texts(layout_from(tsv("0 0 9 9 95 a\x00b\ufffec\x1b"), "")) == ["abc"]


@pytest.mark.parametrize("table", ["", "no table", "1\t2\t3", "5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t95\tx"])
def test_what_is_no_table_is_said_to_be_none(table: str) -> None:
    with pytest.raises(ValueError, match="table"):
        layout_from(table, "")
