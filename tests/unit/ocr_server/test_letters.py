"""How high letters are, and what is done about it; with rendered text, as an engine would get it."""

import io
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ocr_server.image import Page, pages

SENTENCE = "the river carries seven red boats across our garden "


def _written(size: tuple[int, int], lines: list[tuple[int, str]], grain: int = 0, blur: float = 0) -> bytes:
    """Lines of text, each with its font's size in pixels, one below the other."""
    image = Image.new("L", size, 255)
    draw, top = ImageDraw.Draw(image), 10
    for font_size, text in lines:
        draw.text((10, top), text, fill=0, font=ImageFont.load_default(font_size))
        top += font_size + 2
    if grain:
        image = Image.blend(image, Image.effect_noise(size, 128), grain / 100)
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    file = io.BytesIO()
    image.save(file, "PNG", dpi=(300, 300))
    return file.getvalue()


def _page(data: bytes, preprocess: str = "auto", languages: tuple[str, ...] = ("eng",)) -> Page:
    (page,) = pages(data, 10**7, preprocess, languages)
    return page


def _full(font_size: int, **options: Any) -> bytes:
    """A page full of letters of one size."""
    return _written((1200, 1000), [(font_size, SENTENCE * 5)] * (980 // (font_size + 2)), **options)


# The default font's x is about half as high as its size.
@pytest.mark.parametrize(("font_size", "factor"), [(20, 1), (30, 1), (40, 2 / 3), (56, 1 / 2), (80, 1 / 3)])
def test_a_page_is_scaled_down_as_far_as_its_letters_allow(font_size: int, factor: float) -> None:
    page = _page(_full(font_size))
    assert page.image.size == (round(1200 * factor), round(1000 * factor))
    assert page.dpi == round(300 * factor)
    assert page.steps == (() if factor == 1 else (f"scaled x{round(factor, 2):g}",))


@pytest.mark.parametrize(("font_size", "factor"), [(10, 2), (13, 2), (15, 2), (20, 1)])
def test_a_page_with_small_letters_is_scaled_up(font_size: int, factor: int) -> None:
    page = _page(_full(font_size))
    assert page.image.size == (1200 * factor, 1000 * factor)
    assert page.dpi == 300 * factor
    assert page.steps == (() if factor == 1 else ("scaled x2",))
    assert page.to_stored.of(page.image.size) == (1200, 1000)


@pytest.mark.parametrize(("font_size", "factor"), [(13, 2), (20, 2), (40, 1)])
def test_small_characters_that_need_more_pixels_are_scaled_up_sooner(font_size: int, factor: int) -> None:
    assert _page(_full(font_size), languages=("chi_tra",)).image.size == (1200 * factor, 1000 * factor)


@pytest.mark.parametrize("font_size", [30, 40, 56])
def test_a_sheet_on_a_dark_table_keeps_its_letters(font_size: int) -> None:
    with Image.open(io.BytesIO(_full(font_size))) as sheet:
        table = Image.effect_noise((1900, 1500), 20).point([max(0, grey - 110) for grey in range(256)])
        table.paste(sheet, (300, 200))
    file = io.BytesIO()
    table.save(file, "PNG")
    assert not [step for step in _page(file.getvalue()).steps if step.startswith("scaled")]


def test_a_blurred_page_keeps_all_its_pixels() -> None:
    assert _page(_full(56, blur=1)).image.size == (600, 500)
    assert _page(_full(56, blur=4)).image.size == (1200, 1000)


@pytest.mark.parametrize("grain", [0, 3, 5, 7, 10])
def test_grain_does_not_make_a_blurred_page_sharp(grain: int) -> None:
    for blur, size in ((2, (1200, 1000)), (0, (800, 667))):
        with Image.open(io.BytesIO(_full(40, blur=blur))) as page:
            grainy, file = Image.blend(page, Image.effect_noise(page.size, 128), grain / 100), io.BytesIO()
        grainy.save(file, "PNG")
        assert _page(file.getvalue()).image.size == size


@pytest.mark.parametrize(("blur", "is_sharpened"), [(0, False), (1.5, False), (2.5, False), (4, True), (5, True)])
def test_a_page_that_is_much_blurred_is_sharpened(blur: float, is_sharpened: bool) -> None:
    assert ("sharpened" in _page(_full(40, blur=blur)).steps) == is_sharpened


def test_a_picture_that_is_blurred_is_left_alone() -> None:
    image, draw = (picture := Image.new("L", (1200, 1000), 255)), ImageDraw.Draw(picture)
    for number in range(40):
        x, y, size = number * 397 % 1100, number * 613 % 900, 10 + number * 31 % 300
        draw.ellipse((x, y, x + size, y + 2 * size // 3), fill=number * 67 % 200)
    file = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(5)).save(file, "PNG")
    assert "sharpened" not in _page(file.getvalue()).steps


def test_a_few_sharp_words_on_a_large_page_are_not_taken_for_blurred() -> None:
    assert "sharpened" not in _page(_written((1600, 2200), [(40, "Chapter Two")])).steps


def test_the_grain_of_a_scan_is_not_taken_for_letters() -> None:
    assert _page(_full(56, grain=15)).image.size == (600, 500)


def test_some_small_print_keeps_a_page_as_large_as_it_needs() -> None:
    lines = [(56, SENTENCE * 3)] * 8 + [(20, SENTENCE * 5)] * 20
    assert _page(_written((1200, 1000), lines)).image.size == (1200, 1000)


@pytest.mark.parametrize("languages", [("chi_tra",), ("eng", "chi_tra"), ("ara",)])
def test_letters_that_need_more_pixels_keep_theirs(languages: tuple[str, ...]) -> None:
    assert _page(_full(56), languages=languages).image.size == (1200, 1000)


def test_nothing_is_scaled_unasked() -> None:
    assert _page(_full(56), preprocess="none").image.size == (1200, 1000)


@pytest.mark.parametrize("grey", [0, 255])
def test_a_page_without_letters_keeps_its_size(grey: int) -> None:
    file = io.BytesIO()
    Image.new("L", (1200, 1000), grey).save(file, "PNG")
    assert _page(file.getvalue()).image.size == (1200, 1000)


def test_no_side_becomes_so_short_that_the_page_would_be_a_crop() -> None:
    assert _page(_written((1200, 500), [(80, SENTENCE)] * 5)).image.size == (600, 250)


@pytest.mark.parametrize("text", ["a", "is", "I", "Download", "gateway", "Typography 12:30", SENTENCE * 2])
@pytest.mark.parametrize("font_size", [12, 24, 60])
def test_a_crop_of_a_line_is_known_as_one(text: str, font_size: int) -> None:
    page = _page(_written((font_size * len(text) + 20, font_size + 30), [(font_size, text)]))
    assert page.is_line
    assert page.steps[-1] == "one line"


@pytest.mark.parametrize("font_size", [12, 24, 60])
def test_a_crop_of_two_lines_is_not(font_size: int) -> None:
    lines = [(font_size, "the river carries"), (font_size, "seven red boats")]
    page = _page(_written((font_size * 10, 2 * font_size + 30), lines))
    assert not page.is_line
    assert "one line" not in page.steps


@pytest.mark.parametrize("text", ["", "=", ":"])
def test_without_letters_it_is_no_line(text: str) -> None:
    assert not _page(_written((100, 60), [(24, text)])).is_line
