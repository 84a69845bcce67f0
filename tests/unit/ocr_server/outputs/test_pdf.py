"""The searchable PDF, as other programs read it."""

from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from ocr_server.outputs import Sheet, make
from ocr_server.outputs.layout import Layout, cleaned
from ocr_server.outputs.pdf import LONGEST, LONGEST_ASSUMED
from ocr_server.outputs.picture import picture_of
from ocr_server.outputs.projective import Projective
from ocr_server.outputs.text_layer import DESCENT
from tests.unit.ocr_server.outputs.laid_out import (
    BASE,
    EMPTY,
    HEIGHT,
    HOSTILE,
    PLACES,
    RISE,
    WIDTH,
    line,
    page,
    word,
)
from tests.unit.ocr_server.outputs.readers import check, run, words_of

DPI = 144.0
POINTS = 72 / DPI
TOLERANCE = 0.05 * RISE * POINTS
PAPER = Image.new("L", (WIDTH, HEIGHT), 250)
PAPER.info["dpi"] = (DPI, DPI)


def sheet(layout: Layout, to_stored: Projective | None = None, dpi: tuple[float, float] | None = (DPI, DPI)) -> Sheet:
    to_stored = to_stored or Projective()
    _, _, width, height = (round(one) for one in to_stored.of_box((0, 0, layout.width, layout.height)))
    image = Image.new("L", (width, height), 250)
    if dpi:
        image.info["dpi"] = dpi
    return Sheet(layout, to_stored, width, height, picture_of(image, b""))


def pdf_file(folder: Path, *sheets: Sheet) -> Path:
    file = folder / "made.pdf"
    file.write_bytes(make(["pdf"], sheets, "image.png")["pdf"])
    return file


def assert_words_stand_where_they_should(config: pytest.Config, file: Path, points: float = POINTS) -> None:
    found = words_of(config, file)
    assert [text for text, _ in found] == list(PLACES)
    for text, (left, _, right, bottom) in found:
        base = bottom + DESCENT / 1000 * RISE * points
        wanted = [*(place * points for place in PLACES[text]), BASE * points]
        assert [left, right, base] == pytest.approx(wanted, abs=TOLERANCE), text


def test_each_word_is_where_it_is_in_the_image(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    file = pdf_file(tmp_path, sheet(page()))
    check(pytestconfig, file)
    assert_words_stand_where_they_should(pytestconfig, file)
    assert run(pytestconfig, "pdftotext", file, "-") == "Hello wide world\n\n\f"


@pytest.mark.parametrize("degrees", [-10.0, 1.0, 7.0, 97.0])
def test_words_on_a_slope_are_found_whole(tmp_path: Path, pytestconfig: pytest.Config, degrees: float) -> None:
    file = pdf_file(tmp_path, sheet(page(), Projective.turned(degrees, WIDTH, HEIGHT)))
    check(pytestconfig, file)
    assert run(pytestconfig, "pdftotext", file, "-").split() == ["Hello", "wide", "world"]


def test_the_text_is_invisible(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    shown = []
    for layout in (page(), EMPTY):
        file = pdf_file(tmp_path, sheet(layout))
        run(pytestconfig, "pdftoppm", "-r", "50", file, tmp_path / "shown")
        shown.append((tmp_path / "shown-1.ppm").read_bytes())
    assert shown[0] == shown[1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_page_stored_turned_or_mirrored_is_shown_upright(
    orientation: int, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    stored_size = (HEIGHT, WIDTH) if orientation > 4 else (WIDTH, HEIGHT)
    upright = Projective.upright(orientation, *stored_size)
    file = pdf_file(tmp_path, sheet(page(), upright.inverse()))
    check(pytestconfig, file)
    assert_words_stand_where_they_should(pytestconfig, file)


def test_the_picture_is_turned_and_mirrored_with_the_words(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    seen = Image.new("L", (60, 40), 255)
    seen.paste(0, (0, 0, 10, 20))
    for upright, stored in (
        (Projective.turned(90, 40, 60), seen.transpose(Image.Transpose.ROTATE_90)),
        (Projective(a=-1, c=60), seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        (Projective(0, 1, 0, 1, 0, 0), seen.transpose(Image.Transpose.TRANSPOSE)),
    ):
        stored.info["dpi"] = (72, 72)
        made = Sheet(Layout(60, 40), upright.inverse(), *stored.size, picture_of(stored, b""))
        run(pytestconfig, "pdftoppm", "-r", "72", "-gray", pdf_file(tmp_path, made), tmp_path / "shown")
        with Image.open(tmp_path / "shown-1.pgm") as shown:
            assert shown.point(lambda grey: 255 * (grey > 127)).tobytes() == seen.tobytes()


def test_a_prepared_crop_is_mapped_back(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    prepared = Projective.scaled(3, 3).then(Projective.moved(20, 20))
    layout = page().through(prepared, 3 * WIDTH + 40, 3 * HEIGHT + 40)
    image = Image.new("L", (WIDTH, HEIGHT), 250)
    image.info["dpi"] = (DPI, DPI)
    made = Sheet(layout, prepared.inverse(), WIDTH, HEIGHT, picture_of(image, b""))
    assert_words_stand_where_they_should(pytestconfig, pdf_file(tmp_path, made))


def test_words_of_a_skewed_page_stand_on_their_skewed_line(tmp_path: Path) -> None:
    deskewed = Projective.turned(-4, WIDTH, HEIGHT)
    file = pdf_file(tmp_path, sheet(page(), deskewed.inverse()))
    with pikepdf.open(file) as document:
        assert "/Rotate" not in document.pages[0]
        places = [one.operands for one in pikepdf.parse_content_stream(document.pages[0], "Tm")]
    (_, _, _, height) = deskewed.inverse().of_box((0, 0, WIDTH, HEIGHT))
    for operands, (left, _) in zip(places[::2], PLACES.values(), strict=True):  # a space after each word
        x, y = deskewed.inverse().of((left, BASE))
        assert [float(one) for one in operands[4:]] == pytest.approx(
            [x * POINTS, (round(height) - y) * POINTS], abs=TOLERANCE
        )
        assert float(operands[1]) == pytest.approx(-0.0698, abs=1e-3)  # the sine of 4 degrees, downwards


def test_words_of_a_page_seen_from_the_side_stand_on_lines_that_meet(tmp_path: Path) -> None:
    seen = Projective.levelled(-0.1, 2e-4, WIDTH / 2)
    lines = [line(*(word(text, *place, base=base) for text, place in PLACES.items())) for base in (300, 1200)]
    file = pdf_file(tmp_path, Sheet(page(*lines), seen.inverse(), WIDTH, HEIGHT, picture_of(PAPER, b"")))
    with pikepdf.open(file) as document:
        assert "/Rotate" not in document.pages[0]
        places = [one.operands for one in pikepdf.parse_content_stream(document.pages[0], "Tm")]
    words = [(left, base) for base in (300, 1200) for left, _ in PLACES.values()]
    angles = set[float]()
    for operands, start in zip((one for at, one in enumerate(places) if at % 5 % 2 == 0), words, strict=True):
        x, y = seen.inverse().of(start)
        assert [float(one) for one in operands[4:]] == pytest.approx([x * POINTS, (HEIGHT - y) * POINTS], abs=TOLERANCE)
        angles.add(round(float(operands[1]), 3))
    assert len(angles) == 2  # each line its own


def test_a_fax_has_pixels_that_are_not_square(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    file = pdf_file(tmp_path, sheet(page(), dpi=(204, 98)))
    (_, (left, _, right, _)), *_ = words_of(pytestconfig, file)
    assert (left, right) == pytest.approx((100 * 72 / 204, 220 * 72 / 204), abs=0.1)


@pytest.mark.parametrize(
    ("size", "dpi", "points"),
    [
        ((800, 400), None, 600.0),  # 96 dpi
        ((4000, 3000), None, LONGEST_ASSUMED),
        ((32000, 10), (70.0, 70.0), LONGEST),
        ((6, 4), (2400.0, 2400.0), 4.5),
    ],
)
def test_pages_have_a_size_that_readers_can_show(
    size: tuple[int, int], dpi: tuple[float, float] | None, points: float, tmp_path: Path
) -> None:
    with pikepdf.open(pdf_file(tmp_path, sheet(Layout(*size), dpi=dpi))) as document:
        assert float(document.pages[0].mediabox[2]) == pytest.approx(points, abs=0.01)


def test_every_page_is_there_also_an_empty_one(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    file = pdf_file(tmp_path, sheet(page()), sheet(EMPTY), sheet(page(line(word("last", 10, 90)))))
    check(pytestconfig, file)
    assert run(pytestconfig, "pdftotext", file, "-").split("\f") == ["Hello wide world\n\n", "", "last\n\n", ""]


def test_an_empty_document_is_one(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    check(pytestconfig, pdf_file(tmp_path, sheet(EMPTY)))


@pytest.mark.parametrize("text", ["漢字", "測試：𠀀字", "😀", "naïve", "ﬁ", "e\u0301"])
def test_any_character_can_be_copied(text: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    file = pdf_file(tmp_path, sheet(page(line(word(text, 100, 300)))))
    check(pytestconfig, file)
    assert run(pytestconfig, "pdftotext", "-raw", file, "-").strip() == text


def test_words_that_run_from_right_to_left_are_copied_in_their_order(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    right, left = (
        word("שלום", 400, 600, language="heb", is_rtl=True),
        word("עולם", 188, 388, language="heb", is_rtl=True),
    )
    file = pdf_file(tmp_path, sheet(page(line(right, left), language="heb", is_rtl=True)))
    copied = run(pytestconfig, "pdftotext", file, "-")
    assert copied.strip("\u202b\u202c\n\f") == "שלום עולם"


@pytest.mark.parametrize("gap", [2, 25, -12])
def test_chinese_words_have_no_spaces_between_them(gap: int, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    words = (word("測", 100, 140), word("試", 140 + gap, 182), word("word", 195, 300))
    file = pdf_file(tmp_path, sheet(page(line(*words))))
    assert run(pytestconfig, "pdftotext", file, "-").strip() == "測試 word"


def test_hostile_words_and_many_of_them_break_nothing(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    hostile = list(filter(None, map(cleaned, HOSTILE)))
    lines = [
        line(*(word(text, 40 * place, 40 * place + 30, base) for place, text in enumerate(hostile)))
        for base in range(50, HEIGHT, 50)
    ]
    check(pytestconfig, pdf_file(tmp_path, sheet(page(*lines))))
    many = sheet(page(*(line(*(word("so", x, x + 5, y) for x in range(0, 1000, 10))) for y in range(100))))
    assert make(["pdf"], [many], "many.png")["pdf"].startswith(b"%PDF-1.")


def test_the_same_pages_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (pdf_file(tmp_path, sheet(page()), sheet(EMPTY)).read_bytes() for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first
