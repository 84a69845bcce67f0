"""Which pages are taken for dark or badly lit, and what they are afterwards; with rendered text, not files."""

import functools

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_server.preprocess.light import evened
from ocr_server.preprocess.look import Grey, look_at
from tests.unit.ocr_server.preprocess.drawn_text import HEIGHT, WIDTH, text_page

Light = npt.NDArray[np.float64]

ACROSS: Light = np.broadcast_to(np.linspace(0, 1, WIDTH), (HEIGHT, WIDTH))
DOWN: Light = np.broadcast_to(np.linspace(0, 1, HEIGHT)[:, None], (HEIGHT, WIDTH))
INK, PAPER = 40, 235


@functools.cache
def _page() -> Grey:
    return np.array(text_page()[0], np.uint8)


def _in(light: Light | float, grain: float = 4) -> Grey:
    """The page printed in dark grey, seen in this part of full light by a camera with grain."""
    seen = (INK + _page() / 255 * (PAPER - INK)) * light
    return np.clip(np.random.default_rng(7).normal(seen, grain), 0, 255).astype(np.uint8)


def _evened(page: Grey) -> tuple[Grey, list[str]]:
    steps = list[str]()
    return evened(page, look_at(page), steps), steps


def _parted(page: Grey, grey: int = 128) -> float:
    """The part of the pixels that one grey puts on the side where they were printed."""
    return float(((page > grey) == (_page() > 128)).mean())


def _with(page: Grey, box: tuple[int, int, int, int], grey: int, letters: int | None = None) -> Grey:
    image = Image.fromarray(page)
    draw = ImageDraw.Draw(image)
    draw.rectangle(box, fill=grey)
    if letters is not None:
        for line in range(box[1] + 30, box[3] - 60, 70):
            draw.text((box[0] + 40, line), "seven red boats" * 2, fill=letters, font=ImageFont.load_default(40))
    return np.array(image, np.uint8)


LIGHTS = {
    "a lamp": 1 - 0.8 * np.hypot(ACROSS, DOWN) / np.sqrt(2),
    "a soft shadow": 1 - 0.8 / (1 + np.exp(-(ACROSS - 0.5) / 0.05)),
    "a hard shadow": np.where(ACROSS + DOWN > 1, 0.2, 1.0),
    "a deep shadow": 1 - 0.9 / (1 + np.exp(-(DOWN - 0.5) / 0.02)),
    "a dark side": np.minimum(1, 0.25 + 2 * ACROSS),
}


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_after_uneven_light_one_grey_parts_ink_from_paper(light: Light) -> None:
    before = _in(light, grain=2)
    page, steps = _evened(before)
    assert steps == ["light evened"]
    assert _parted(page) > 0.99 > 0.9 > _parted(before)


def test_what_a_flash_whitened_is_evened() -> None:
    spot = np.exp(-((ACROSS - 0.4) ** 2 + (DOWN - 0.3) ** 2) / 0.08)
    flashed = np.clip(_in(0.45).astype(float) + 140 * spot, 0, 255).astype(np.uint8)
    page, steps = _evened(flashed)
    assert steps == ["light evened"]
    assert _parted(page, 190) > 0.99 > 0.98 > max(_parted(flashed, grey) for grey in range(256))


@pytest.mark.parametrize("light", [1.0, 0.5, 0.2])
def test_an_evenly_lit_page_is_the_very_same_however_dim(light: float) -> None:
    page = _in(light)
    assert evened(page, look_at(page), []) is page


def test_light_letters_on_dark_are_inverted() -> None:
    page, steps = _evened(255 - _in(1.0))
    assert steps == ["inverted"]
    assert _parted(page) > 0.99


def test_a_white_sheet_on_a_dark_table_is_not_inverted() -> None:
    table = np.full((2 * HEIGHT, 2 * WIDTH), 30, np.uint8)
    table[HEIGHT // 2 : HEIGHT // 2 + HEIGHT, WIDTH // 2 : WIDTH // 2 + WIDTH] = _in(1.0)
    assert evened(table, look_at(table), []) is table


@pytest.mark.parametrize(
    ("grey", "letters"), [(20, None), (20, 240), (120, None)], ids=["black", "black with letters", "grey"]
)
def test_a_box_is_no_shadow(grey: int, letters: int | None) -> None:
    page = _with(_in(1.0), (100, 900, WIDTH - 100, HEIGHT - 50), grey, letters)
    assert evened(page, look_at(page), []) is page


def test_coloured_boxes_with_dark_letters_and_with_light_ones_are_no_shadow() -> None:
    page: Grey = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for number, (grey, letters) in enumerate([(95, 255), (190, 0), (133, 255), (112, 255), (238, 102)]):
        top = 50 + number * 200
        page = _with(page, (50, top, WIDTH - 50, top + 150), grey, letters)
    assert evened(page, look_at(page), []) is page


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_light_beside_a_shadow_in_which_all_letters_are_is_evened_too(share: float) -> None:
    page = _page().copy()
    page[: int(share * HEIGHT)] = 255
    shade = np.where(share > DOWN, 1.0, 0.4)
    assert _evened((page * shade).astype(np.uint8))[1] == ["light evened"]


def test_rows_in_grey_are_made_white() -> None:
    stripes = np.where(DOWN * 10 % 2 > 1, 0.6, 1.0)
    page, steps = _evened(_in(stripes))
    assert steps == ["light evened"]
    assert _parted(page) > 0.98


def _clouds(seed: int) -> Grey:
    """What photos are like where there is nothing on them: changes of brightness of every size."""
    height, width = HEIGHT // 3, WIDTH - 200
    chance = np.random.default_rng(seed)
    waves = np.fft.rfft2(chance.normal(size=(height, width)))
    length = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    length[0, 0] = 1
    picture = np.fft.irfft2(waves / length**1.6, (height, width))
    picture -= picture.min()
    return np.asarray(picture / picture.max() * 255, np.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_a_picture_on_a_page_is_no_shadow(seed: int) -> None:
    page = _in(1.0).copy()
    picture = _clouds(seed)
    page[-picture.shape[0] - 100 : -100, 100 : 100 + picture.shape[1]] = picture // 2
    assert evened(page, look_at(page), []) is page


@pytest.mark.parametrize("seed", range(3))
def test_a_picture_alone_is_left_alone(seed: int) -> None:
    picture = _clouds(seed)
    assert evened(picture, look_at(picture), []) is picture


@pytest.mark.parametrize("grey", [0, 30, 128, 255])
@pytest.mark.parametrize("grain", [0, 3])
def test_a_page_without_anything_is_left_alone(grey: int, grain: int) -> None:
    noise = np.random.default_rng(1).normal(grey, grain, (900, 700))
    page = np.clip(noise, 0, 255).astype(np.uint8)
    assert evened(page, look_at(page), []) is page


@pytest.mark.parametrize("shape", [(200, 1), (3000, 1), (2, 3000), (200, 3), (200, 30_000), (30_000, 200), (201, 199)])
def test_odd_shapes_are_looked_at(shape: tuple[int, int]) -> None:
    page = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert evened(page, look_at(page), []).shape == shape
