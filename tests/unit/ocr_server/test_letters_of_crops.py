"""A crop that is unclear at first is looked at in another way, and the better reading is kept."""

import io

import pytest
from PIL import Image

from ocr_server.image import Page, pages
from ocr_server.looks import CLEAR, best_look
from ocr_server.options import Options
from ocr_server.reading import Reading

ENGLISH = ("eng",)
OPTIONS = Options(ENGLISH, 3, "auto")


def _crop(paper: int, ink: int, ink_height: int = 8) -> Page:
    image = Image.new("L", (60, 60), paper)
    image.paste(ink, (10, 10, 50, 10 + ink_height))
    file = io.BytesIO()
    image.save(file, "PNG")
    (page,) = pages(file.getvalue(), 10**6, "auto", ENGLISH)
    return page


def _reading(text: str, confidence: float) -> Reading:
    return Reading(text, (confidence,) * len(text.split()))


@pytest.mark.parametrize(("paper", "ink"), [(200, 90), (60, 180)])
def test_the_other_crop_is_black_on_white_at_its_own_size(paper: int, ink: int) -> None:
    page = _crop(paper, ink)
    assert page.clearer is not None
    other = page.clearer()
    assert other.image.size == (100, 100)
    assert other.image.getextrema() == (0, 255)
    assert other.image.getpixel((0, 0)) == 255
    assert other.image.getpixel((35, 32)) == 0
    assert other.clearer is None
    assert other.to_stored.of((20, 20)) == (0, 0)
    assert [step for step in other.steps if "scaled" in step] == []


@pytest.mark.parametrize(
    ("first", "other", "kept"),
    [
        pytest.param(("SO", 60), ("so", 92), "so", id="surer"),
        pytest.param(("so", 85), ("SO", 80), "so", id="less sure"),
        pytest.param(("Signin", 88), ("Sign in", 72), "Sign in", id="a space overlooked"),
        pytest.param(("Page 3", 75), ("Page3", 92), "Page 3", id="a space lost"),
        pytest.param(("so", 60), ("", 0), "so", id="nothing"),
    ],
)
def test_the_clearer_reading_is_kept(first: tuple[str, float], other: tuple[str, float], kept: str) -> None:
    page = _crop(200, 20)

    def read(looked_at: Page, *_: object) -> Reading:
        return _reading(*(first if looked_at.image is page.image else other))

    look = best_look(page, OPTIONS, read)
    assert look.reading.text == kept
    assert ("looked again in full contrast" in look.again) == (kept == other[0])


def test_a_clear_crop_is_looked_at_once() -> None:
    page, looks = _crop(200, 20), list[Page]()

    def read(looked_at: Page, *_: object) -> Reading:
        looks.append(looked_at)
        return _reading("so", CLEAR)

    best_look(page, OPTIONS, read)
    assert [look.image for look in looks] == [page.image]
