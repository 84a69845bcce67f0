"""What the accuracy benchmark reads of a searchable PDF is what was put there, in the pixels of the stored image."""

import pytest
from PIL import Image

from benchmarks.accuracy.pdf_words import words
from benchmarks.accuracy.placement import Point
from ocr_server.outputs import Sheet, make
from ocr_server.outputs.layout import Layout
from ocr_server.outputs.picture import picture_of
from ocr_server.outputs.projective import Projective
from tests.unit.ocr_server.outputs.laid_out import BASE, EMPTY, HEIGHT, PLACES, WIDTH, line, page, word


def document(layout: Layout, to_stored: Projective, dpi: float | None) -> bytes:
    _, _, width, height = (round(one) for one in to_stored.of_box((0, 0, WIDTH, HEIGHT)))
    image = Image.new("L", (width, height), 250)
    if dpi:
        image.info["dpi"] = (dpi, dpi)
    made = make(["pdf"], [Sheet(layout, to_stored, width, height, picture_of(image, b""))], "image.png")["pdf"]
    assert isinstance(made, bytes)
    return made


def near(point: Point) -> object:
    return pytest.approx(point, abs=0.3)


@pytest.mark.parametrize("dpi", [144.0, 600.0, None])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -4, 3])
def test_words_are_found_where_they_were_put(degrees: float, dpi: float | None) -> None:
    to_stored = Projective.turned(degrees, WIDTH, HEIGHT)
    found = words(document(page(), to_stored, dpi))
    assert [one.text for one in found] == list(PLACES)
    for one in found:
        left, right = PLACES[one.text]
        assert one.start == near(to_stored.of((left, BASE)))
        assert one.end == near(to_stored.of((right, BASE)))


def test_a_mirrored_page_is_read_in_the_coordinates_of_the_file() -> None:
    to_stored = Projective(a=-1, c=WIDTH)
    (first, *_) = words(document(page(), to_stored, 144))
    left, right = PLACES["Hello"]
    assert (first.start, first.end) == (near((WIDTH - left, BASE)), near((WIDTH - right, BASE)))


def test_chinese_words_that_touch_are_one() -> None:
    written = line(word("測", 100, 140), word("試", 142, 182), word("word", 195, 300))
    other = line(word("驗", 100, 140, BASE + 100))
    found = words(document(page(written, other), Projective(), 144))
    assert [one.text for one in found] == ["測試", "word", "驗"]
    assert (found[0].start, found[0].end) == (near((100, BASE)), near((182, BASE)))


def test_an_empty_page_has_no_words() -> None:
    assert words(document(EMPTY, Projective(), 144)) == []
