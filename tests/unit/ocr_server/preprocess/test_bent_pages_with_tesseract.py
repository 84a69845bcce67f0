"""Pages that lie askew, on a side, or were taken from the side: what Tesseract reads of them, and where it stands."""

import io
import math

import pytest
from PIL import Image

from ocr_server.engine import Engine, load
from ocr_server.image import pages
from ocr_server.installation import choose
from ocr_server.outputs import Sheet
from ocr_server.outputs.projective import Projective
from settings.schema import TesseractLocation
from tests.unit.ocr_server.preprocess.drawn_text import (
    HEIGHT,
    SIZE,
    WIDTH,
    aslant,
    from_the_side,
    seen,
    text_page,
    through,
)

pytestmark = pytest.mark.usefixtures("tesseract")

CLOSE_ENOUGH = 0.1 * 1.2 * SIZE
"""Pixels; 1.2 of the font's size is a line's height, and letters that were turned are blurred at their edges."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load(choose(TesseractLocation(), ["eng"]))


def file_of(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("way", "size", "steps"),
    [
        pytest.param(aslant(4), (WIDTH, HEIGHT), ["deskew -4"], id="askew"),
        pytest.param(aslant(-10), (WIDTH, HEIGHT), ["deskew 10"], id="much askew"),
        pytest.param(Projective.turned(270, WIDTH, HEIGHT), (HEIGHT, WIDTH), ["rotate 90"], id="on its side"),
        pytest.param(from_the_side(-2e-4), (WIDTH, HEIGHT), ["perspective"], id="from the side"),
        pytest.param(from_the_side(1.5e-4, -1e-4), (WIDTH, HEIGHT), ["perspective"], id="from a corner"),
    ],
)
def test_every_word_of_a_bent_page_is_read_and_is_where_it_stands(
    way: Projective, size: tuple[int, int], steps: list[str], engine: Engine
) -> None:
    image, words = text_page()
    (page,) = pages(file_of(seen(image, way, size)), 10**8, "auto", ("eng",))
    said = [step for step in page.steps if not step.startswith("scaled")]
    assert [step.partition(".")[0] for step in said] == steps
    layout = engine.read(page, ("eng",), 3, 60.0, with_layout=True).layout
    assert layout is not None
    assert page.stored is not None
    stored = Sheet(layout, page.to_stored, *page.stored.size).stored()
    found = [word for _, line in stored.numbered_lines() for word in line.words]
    drawn = list(through(words, way))
    assert [word.text for word in found] == [text for text, _, _ in drawn]
    off = sorted(
        max(math.dist(word.start, start), math.dist(word.end, end))
        for word, (_, start, end) in zip(found, drawn, strict=True)
    )
    assert off[-len(off) // 50] <= CLOSE_ENOUGH  # of two words in a hundred, Tesseract's own boxes may be wrong
    assert all(
        box[0] - 1 <= point[0] <= box[2] + 1 and box[1] - 1 <= point[1] <= box[3] + 1
        for box, point in ((word.box, word.start) for word in found)
    )
