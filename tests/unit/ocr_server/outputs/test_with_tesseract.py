"""What Tesseract itself reads, against what was drawn: texts, and where the words stand in the PDF."""

import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_server.engine import load
from ocr_server.image import Page
from ocr_server.installation import choose
from ocr_server.outputs import Sheet, make
from ocr_server.outputs.ink import fitted
from ocr_server.outputs.layout import Layout
from ocr_server.outputs.picture import picture_of
from ocr_server.outputs.projective import Box, Projective
from ocr_server.outputs.tesseract import layout_of
from ocr_server.outputs.text_layer import ASCENT, DESCENT
from ocr_server.reading import Reading
from settings.schema import TesseractLocation
from tests.unit.ocr_server.outputs.laid_out import texts
from tests.unit.ocr_server.outputs.readers import check, words_of

tesserocr = pytest.importorskip("tesserocr")
pytestmark = pytest.mark.usefixtures("tesseract")

SIZE = 30
WIDTH, HEIGHT = 1240, 900
WORDS = ("spring", "came", "early", "this", "year", "and", "the", "young", "trees", "were", "in", "flower", "before")
CLOSE_ENOUGH = 0.05
"""Of a line's height, which is 1.2 of the font's size."""


def drawn() -> tuple[Image.Image, list[tuple[str, Box]]]:
    """A page, and its words with their left, base line (twice) and right."""
    image, chance = Image.new("L", (WIDTH, HEIGHT), 255), random.Random(5)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(SIZE)
    found = list[tuple[str, Box]]()
    for base in range(2 * SIZE, HEIGHT - SIZE, 2 * SIZE):
        x = 80
        while x < WIDTH - 250:
            text = chance.choice(WORDS)
            draw.text((x, base), text, font=font, fill=0, anchor="ls")
            dark = image.crop((x - 3, base - SIZE, WIDTH, base + SIZE)).point(
                [255 * (grey < 128) for grey in range(256)]
            )
            left, _, right, _ = dark.getbbox() or (0, 0, 0, 0)
            found.append((text, (x - 3 + left, base, x - 3 + right, base)))
            x += round(font.getlength(f"{text} "))
    return image, found


@pytest.fixture(scope="module")
def api() -> Any:
    tessdata = choose(TesseractLocation(), ["eng"]).tessdata
    return tesserocr.PyTessBaseAPI(path=tessdata, lang="eng")


def read(api: Any, image: Image.Image) -> Layout:
    api.SetImageBytes(image.tobytes(), *image.size, 1, image.width)
    api.SetSourceResolution(150)
    assert api.Recognize(60_000)
    return fitted(layout_of(api), image)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_each_word_in_the_pdf_is_where_it_was_drawn(
    turned: int, api: Any, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    image, drawn_words = drawn()
    to_stored = Projective.turned(turned, WIDTH, HEIGHT)
    stored = image.rotate(-turned, expand=True)
    stored.info["dpi"] = (72, 72)
    layout = read(api, image)
    assert texts(layout) == [text for text, _ in drawn_words]
    file = tmp_path / "made.pdf"
    sheet = Sheet(layout, to_stored, *stored.size, picture_of(stored, b""))
    file.write_bytes(make(["pdf"], [sheet], "drawn.png")["pdf"])
    check(pytestconfig, file)
    found = words_of(pytestconfig, file)
    assert [text for text, _ in found] == [text for text, _ in drawn_words]
    for (text, (left, top, right, bottom)), (_, (*drawn_left_base, drawn_right, _)) in zip(
        found, drawn_words, strict=True
    ):
        base = bottom - (bottom - top) * -DESCENT / (ASCENT - DESCENT)
        assert [left, base, right] == pytest.approx([*drawn_left_base, drawn_right], abs=CLOSE_ENOUGH * 1.2 * SIZE), (
            text
        )


def test_the_library_and_the_program_give_the_same() -> None:
    image, _ = drawn()
    found = list[Reading]()
    for engine in ("tesserocr", "pytesseract"):
        reader = load(choose(TesseractLocation(engine=engine), ["eng"]))
        found.append(reader.read(Page(image, 150), ("eng",), 3, 60.0, with_layout=True))
    library, program = (reading.layout for reading in found)
    assert library is not None
    assert program is not None
    assert texts(library) == found[0].text.split()
    assert [line.text for line in found[0].lines] == [line.text for line in found[1].lines]
    for mine, its in zip(found[0].lines, found[1].lines, strict=True):
        assert mine.box == pytest.approx(its.box, abs=2)
        assert mine.confidence == pytest.approx(its.confidence, abs=15)
    ours, theirs = ([word for _, line in one.numbered_lines() for word in line.words] for one in (library, program))
    assert [word.text for word in ours] == [word.text for word in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.box == pytest.approx(other.box, abs=2)
        assert [*one.start, *one.end] == pytest.approx([*other.start, *other.end], abs=1)
        assert one.confidence == pytest.approx(other.confidence, abs=15)  # they may be different versions


def test_an_empty_page_has_no_words(api: Any) -> None:
    assert read(api, Image.new("L", (300, 200), 255)) == Layout(300, 200)


@pytest.mark.parametrize("engine", ["tesserocr", "pytesseract"])
def test_a_blank_of_which_tesseract_is_sure_is_no_word(engine: str) -> None:
    reader = load(choose(TesseractLocation(engine=engine), ["eng"]))
    reading = reader.read(Page(Image.new("L", (300, 200), 255), 150), ("eng",), 3, 60.0)
    assert (reading.text.strip(), reading.confidences, reading.lines) == ("", (), ())
