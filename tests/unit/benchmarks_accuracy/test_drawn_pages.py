"""What is drawn is where it is said to be; no font is needed but the one that Pillow carries."""

import io

import pytest
from PIL import Image, ImageFont

from benchmarks.accuracy import damage
from benchmarks.accuracy.cases import case
from benchmarks.accuracy.classes import CLASSES, UPRIGHT
from benchmarks.accuracy.placement import Word
from benchmarks.accuracy.sheet import Page, Sheet


@pytest.fixture(scope="module")
def page() -> Page:
    sheet = Sheet(60, 40, 8)
    font = ImageFont.load_default(100)
    assert isinstance(font, ImageFont.FreeTypeFont)
    sheet.paragraphs("Hull mint\n\nnine hens run to the hill in March", font)
    return sheet.page(300)


def ink(image: Image.Image, word: Word, room: float) -> tuple[int, int, int, int]:
    """The box of what is dark around a word of upright text."""
    box = (word.start[0] - room, word.start[1] - 0.8 * word.height, word.end[0] + room, word.start[1] + room)
    left, top, right, bottom = map(round, box)
    found = image.crop((left, top, right, bottom)).point([255 * (grey < 128) for grey in range(256)]).getbbox()
    assert found
    return found[0] + left, found[1] + top, found[2] + left, found[3] + top


def stands(image: Image.Image, word: Word) -> bool:
    left, _, right, bottom = ink(image, word, 4)
    return max(abs(left - word.start[0]), abs(right - word.end[0]), abs(bottom - word.start[1])) <= 1.5


def test_words_stand_where_they_are_said_to_stand(page: Page) -> None:
    assert [word.text for word in page.words] == page.text.split()
    assert all(stands(page.image, word) for word in page.words)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_words_move_with_a_page_that_is_turned(page: Page, degrees: int) -> None:
    back = damage.turned(damage.turned(page, degrees), 360 - degrees)
    assert back.image.tobytes() == page.image.tobytes()
    assert all(stands(back.image, word) for word in back.words)
    assert damage.turned(page, degrees).words[0].start != page.words[0].start


def test_words_move_with_a_page_that_is_skewed(page: Page) -> None:
    back = damage.skewed(damage.skewed(page, 4), -4)
    assert all(stands(back.image, word) for word in back.words)


def test_what_befalls_a_page_is_the_same_at_every_run(page: Page) -> None:
    assert damage.noisy(page, 60).image.tobytes() == damage.noisy(page, 60).image.tobytes() != page.image.tobytes()
    assert damage.speckled(page, 0.1).image.tobytes() == damage.speckled(page, 0.1).image.tobytes()


def test_specks_are_as_many_as_asked_for(page: Page) -> None:
    white = Page(Image.new("L", (400, 400), 255), "")
    dark = damage.speckled(white, 0.1).image.histogram()[0]
    assert dark / 160_000 == pytest.approx(0.05, abs=0.005)


def test_only_alpha_tells_the_letters_of_a_transparent_page(page: Page) -> None:
    image = damage.transparent(page).image
    assert image.convert("RGB").getextrema() == ((0, 0),) * 3
    assert image.getchannel("A").getextrema() == (0, 255)


def test_a_case_is_a_file_with_its_resolution(page: Page) -> None:
    made = case("1.tif", damage.one_bit(page), compression="group4")
    with Image.open(io.BytesIO(made.content)) as opened:
        assert (opened.format, opened.mode, round(opened.info["dpi"][0])) == ("TIFF", "1", 300)
    assert made.text == page.text


def test_turned_pages_have_upright_ones_to_be_held_against() -> None:
    assert not CLASSES[UPRIGHT].is_turned
    assert sum(one.is_turned for one in CLASSES.values()) == 3
