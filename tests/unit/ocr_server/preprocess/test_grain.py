"""Specks and grain: when they are taken away, and what is not taken for them."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ocr_server.preprocess.grain import cleaned
from ocr_server.preprocess.look import Grey
from tests.unit.ocr_server.preprocess.drawn_text import text_page


def _page(factor: int = 1) -> Grey:
    return np.array(text_page()[0].reduce(factor), np.uint8)


def _speckled(page: Grey, share: float) -> Grey:
    """This part of the pixels black or white."""
    chance = np.random.default_rng(3).random(page.shape)
    return np.where(chance < share / 2, 0, np.where(chance > 1 - share / 2, 255, page)).astype(np.uint8)


def _grainy(page: Grey, deviation: float, ink: int = 0, paper: int = 255) -> Grey:
    grey = ink + page * ((paper - ink) / 255)
    return np.clip(np.random.default_rng(3).normal(grey, deviation), 0, 255).astype(np.uint8)


def _cleaned(page: Grey) -> tuple[Grey, list[str]]:
    steps = list[str]()
    return cleaned(page, steps), steps


def _wrong(page: Grey, true: Grey) -> float:
    """The part of the pixels that are not as black or white as they were drawn."""
    return float(((np.asarray(page) > 128) != (np.asarray(true) > 128)).mean())


@pytest.mark.parametrize(("share", "left"), [(0.004, 0.15), (0.01, 0.15), (0.04, 0.3), (0.1, 0.2), (0.3, 0.2)])
def test_specks_are_removed(share: float, left: float) -> None:
    true = _page()
    speckled = _speckled(true, share)
    page, steps = _cleaned(speckled)
    assert steps == ["specks removed"]
    assert _wrong(page, true) < left * _wrong(speckled, true)


def test_a_few_specks_are_taken_out_one_by_one_and_nothing_else_changes() -> None:
    true = _page()
    speckled = _speckled(true, 0.004)
    page, _ = _cleaned(speckled)
    changed = page != speckled
    assert (speckled[changed] != true[changed]).mean() > 0.95


@pytest.mark.parametrize("deviation", [30, 45])
def test_much_grain_is_smoothed(deviation: float) -> None:
    true = _page()
    grainy = _grainy(true, deviation)
    page, steps = _cleaned(grainy)
    assert steps == ["grain smoothed"]
    assert np.asarray(page)[true == 255].std() < 0.7 * grainy[true == 255].std()


@pytest.mark.parametrize(("deviation", "ink", "paper"), [(70, 0, 255), (100, 0, 255), (55, 50, 210), (70, 50, 210)])
def test_the_more_grain_there_is_the_more_it_is_smoothed(deviation: float, ink: int, paper: int) -> None:
    true = _page()
    grainy = _grainy(true, deviation, ink, paper)
    page, steps = _cleaned(grainy)
    assert steps == ["grain smoothed"]
    assert np.asarray(page)[true == 255].std() < 0.4 * grainy[true == 255].std()


def test_grain_is_much_or_little_for_the_contrast_that_there_is() -> None:
    assert _cleaned(_grainy(_page(), 6))[1] == []
    assert _cleaned(_grainy(_page(), 6, ink=40, paper=90))[1] == ["grain smoothed"]


def _jpeg(page: Grey, quality: int) -> Grey:
    file = io.BytesIO()
    Image.fromarray(np.asarray(page, np.uint8)).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file), np.uint8)


HARMLESS = {
    "a clean page": _page,
    "its letters are small": lambda: _page(2),
    "they are tiny, each dot a pixel": lambda: _page(4),
    "a camera's grain": lambda: _grainy(_page(), 6),
    "JPEG at its coarsest": lambda: _jpeg(_page(), 10),
    "one bit": lambda: np.where(_page() > 128, 255, 0).astype(np.uint8),
    "one bit, small": lambda: np.where(_page(2) > 128, 255, 0).astype(np.uint8),
    "blurred": lambda: np.array(text_page()[0].filter(ImageFilter.GaussianBlur(3)), np.uint8),
    "white": lambda: np.full((900, 700), 255, np.uint8),
    "black": lambda: np.zeros((900, 700), np.uint8),
}


@pytest.mark.parametrize("page", HARMLESS.values(), ids=HARMLESS)
def test_a_page_without_specks_or_much_grain_is_the_very_same(page: object) -> None:
    assert callable(page)
    drawn = page()
    assert cleaned(drawn, []) is drawn


@pytest.mark.parametrize("shape", [(200, 1), (200, 3), (257, 300), (30_000, 200), (200, 30_000)])
def test_odd_shapes_are_looked_at(shape: tuple[int, int]) -> None:
    page = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert cleaned(page, []).shape == shape
