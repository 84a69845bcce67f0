"""How pages lie: found to a tenth of a degree, and what is no page of text is left alone."""

import itertools
import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_server.letters import MAX_SIDE
from ocr_server.outputs.projective import Projective
from ocr_server.preprocess.look import look_at
from ocr_server.preprocess.mend import mended
from ocr_server.preprocess.slope import ink_of, lines_of
from ocr_server.preprocess.straight import straightened, straightening
from tests.unit.ocr_server.preprocess.drawn_text import HEIGHT, WIDTH, aslant, from_the_side, seen, text_page

PAGE, WORDS = text_page()
FEW_LINES, _ = text_page(lines=5)
FONT = ImageFont.load_default(24)


def steps_of(image: Image.Image) -> tuple[str, ...]:
    """What would be done to the page."""
    how = straightening(look_at(np.asarray(image.convert("L"))), image.size)
    return (*(["rotate 90"] if how.is_sideways else []), *how.steps)


def paper(width: int = WIDTH, height: int = HEIGHT) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (width, height), 255)
    return image, ImageDraw.Draw(image)


@pytest.mark.parametrize("degrees", [-11, -5, -2, -0.7, -0.2, 0, 0.2, 0.5, 1.3, 3.4, 7, 12])
def test_the_slope_of_lines_is_found_to_a_tenth_of_a_degree(degrees: float) -> None:
    lines = lines_of(ink_of(look_at(np.asarray(seen(PAGE, aslant(degrees)))).grey))
    assert lines.degrees == pytest.approx(degrees, abs=0.1)
    assert lines.spread == 0


@pytest.mark.parametrize("degrees", [-5, 1.3, 10])
@pytest.mark.parametrize("page", [PAGE, FEW_LINES], ids=["many lines", "few"])
def test_a_page_is_turned_by_as_much_as_its_lines_slope(page: Image.Image, degrees: float) -> None:
    (step,) = steps_of(seen(page, aslant(degrees)))
    name, turned = step.split()
    assert name == "deskew"
    assert float(turned) == pytest.approx(-degrees, abs=0.15)


@pytest.mark.parametrize("degrees", [-0.2, 0, 0.2])
def test_a_page_that_is_level_enough_is_left_alone(degrees: float) -> None:
    assert steps_of(seen(PAGE, aslant(degrees))) == ()


@pytest.mark.parametrize("degrees", [90, 270])
def test_a_page_on_its_side_is_turned(degrees: int) -> None:
    assert steps_of(PAGE.rotate(degrees, expand=True)) == ("rotate 90",)


def test_a_page_on_its_side_and_askew_is_turned_and_levelled() -> None:
    turned, levelled = steps_of(PAGE.rotate(86, expand=True, fillcolor=255))
    assert (turned, levelled.partition(".")[0]) == ("rotate 90", "deskew -4")


@pytest.mark.parametrize("change", [-3e-4, -1e-4, 1e-4, 3e-4])
@pytest.mark.parametrize("aside", [-1e-4, 0, 1e-4])
def test_lines_that_run_towards_a_point_come_to_lie_level(change: float, aside: float) -> None:
    bent = from_the_side(change, aside)
    image = np.asarray(seen(PAGE, bent))
    how = straightening(look_at(image), PAGE.size)
    assert how.steps[-1] == "perspective"
    for _, start, end in WORDS:
        (x0, y0), (x1, y1) = (how.way.of(bent.of(point)) for point in (start, end))
        assert math.degrees(math.atan2(y1 - y0, x1 - x0)) == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("change", [-2e-4, 2e-4])
@pytest.mark.parametrize("aside", [-1.5e-4, 0, 1.5e-4])
@pytest.mark.parametrize("degrees", [-3, 0, 3])
def test_so_do_columns_come_to_stand_upright(change: float, aside: float, degrees: float) -> None:
    bent = from_the_side(change, aside).then(aslant(degrees))
    how = straightening(look_at(np.asarray(seen(PAGE, bent))), PAGE.size)
    # The left margin is seen; right ends of lines are ragged: they leaned by up to 8 degrees more, and strokes tell it.
    for x, within in ((120, 0.5), (WIDTH - 200, 3)):
        (x0, y0), (x1, y1) = (how.way.of(bent.of((x, y))) for y in (200, HEIGHT - 200))
        assert math.degrees(math.atan2(x1 - x0, y1 - y0)) == pytest.approx(0, abs=within)


def test_the_pixels_go_where_the_way_says() -> None:
    image = Image.new("L", (600, 400), 255)
    image.paste(0, (200, 120, 300, 140))
    for way, size in ((aslant(5, 600, 400), (600, 400)), (from_the_side(2e-4, 0, 600, 400), (600, 400))):
        how = straightening(look_at(np.asarray(image)), image.size)
        moved = straightened(np.asarray(image), type(how)(False, way, size, ("perspective",)))
        wanted = np.asarray(seen(image, way, size))
        assert np.abs(moved.astype(int) - wanted).mean() < 0.5


# What must not be harmed


def drawn_lines(*lines: tuple[float, float, float, float], width: int = 4) -> Image.Image:
    image, draw = paper()
    for line in lines:
        draw.line(line, fill=0, width=width)
    return image


def scattered_lines() -> Image.Image:
    chance = random.Random(3)
    return drawn_lines(*(tuple(chance.randrange(WIDTH) for _ in range(4)) for _ in range(40)))  # type: ignore[arg-type]


def table(columns: int, rows: int, has_level_rules: bool = True) -> Image.Image:
    image, draw = paper()
    chance, across, down = random.Random(3), (WIDTH - 80) / columns, (HEIGHT - 80) / rows
    for column in range(columns + 1):
        draw.line((40 + column * across, 40, 40 + column * across, HEIGHT - 40), fill=0, width=2)
    for row in range(rows + 1 if has_level_rules else 0):
        draw.line((40, 40 + row * down, WIDTH - 40, 40 + row * down), fill=0, width=2)
    for column, row in itertools.product(range(columns), range(rows)):
        number = str(chance.randrange(10 ** chance.randrange(1, 4)))
        draw.text((44 + column * across, 40 + (row + 0.5) * down), number, font=FONT, fill=0, anchor="lm")
    return image


def with_edges_of_a_scan() -> Image.Image:
    image = PAGE.copy()
    image.paste(0, (0, 0, 40, HEIGHT))
    image.paste(0, (0, 0, WIDTH, 30))
    return image


def with_a_tilted_picture() -> Image.Image:
    image = PAGE.copy()
    image.paste(Image.linear_gradient("L").resize((700, 500)).rotate(7, expand=True, fillcolor=255), (200, 500))
    return image


def one_line(width: int, text: str) -> Image.Image:
    image, draw = paper(width, 220)
    for x in range(40, width - 600, 1200):
        draw.text((x, 110), text, font=FONT, fill=0, anchor="lm")
    return image


def columns_of_numbers() -> Image.Image:
    image, draw = paper(300, 860)
    chance = random.Random(3)
    for x, y in itertools.product((14, 120, 226), range(5, 850, 26)):
        if chance.random() < 0.8:
            number = str(chance.randrange(10 ** chance.randrange(1, 5)))
            draw.text((x, y), number, font=ImageFont.load_default(chance.choice((12, 14))), fill=0)
    return image


def narrow_words() -> Image.Image:
    """A menu beside a window's contents."""
    image, draw = paper(90, 600)
    for y, word in zip(
        range(20, 590, 24), itertools.cycle(("File", "Settings", "Help", "Quit", "Search")), strict=False
    ):
        draw.text((8, y), word, font=ImageFont.load_default(16), fill=0, anchor="ls")
    return image


def squares() -> Image.Image:
    """As Chinese characters stand: as far apart from left to right as from top to bottom, nearly."""
    image, draw = paper()
    chance = random.Random(3)
    for x, y in itertools.product(range(70, WIDTH - 70, 32), range(60, HEIGHT - 60, 36)):
        for _ in range(4):
            place = [(x + chance.randrange(28), y + chance.randrange(28)) for _ in range(2)]
            draw.line(place, fill=0, width=3)
    return image


LEFT_ALONE: dict[str, Callable[[], Image.Image]] = {
    "a page of text": lambda: PAGE,
    "one on its head": lambda: PAGE.rotate(180),
    "few lines": lambda: FEW_LINES,
    "one line on a page": lambda: text_page(lines=1)[0],
    "one line": lambda: one_line(1240, "A line of text, as on a screen"),
    "a narrow column of words": narrow_words,
    "the same, long": lambda: narrow_words().resize((200, 30_000)),
    "a strip": lambda: one_line(MAX_SIDE, "A line of text, as on a screen"),
    "nothing": lambda: paper()[0],
    "a photo": lambda: Image.effect_mandelbrot((1200, 900), (-2, -1.2, 0.6, 1.2), 60),
    "grain": lambda: Image.effect_noise((1200, 900), 90),
    "a gradient": lambda: Image.radial_gradient("L").resize((900, 900)),
    "a drawing": scattered_lines,
    "one upright line, nearly": lambda: drawn_lines((620, 100, 700, 1400)),
    "upright rules": lambda: drawn_lines(*((x, 0, x, HEIGHT) for x in range(60, WIDTH, 60))),
    "a table": lambda: table(8, 40),
    "narrow columns with rules between them": lambda: table(14, 8, has_level_rules=False),
    "a few columns of numbers": columns_of_numbers,
    "Chinese characters": squares,
    "black edges": with_edges_of_a_scan,
    "a tilted picture in a text": with_a_tilted_picture,
    "a text with a long line across": lambda: Image.fromarray(
        np.minimum(np.asarray(FEW_LINES), np.asarray(drawn_lines((50, 1300, 1200, 1200))))
    ),
    "a few pixels": lambda: Image.effect_noise((7, 200), 90),
    "a column of pixels": lambda: Image.effect_noise((1, MAX_SIDE), 90),
}


@pytest.mark.parametrize("drawn", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_does_not_lie_askew_or_is_no_text_is_left_alone(drawn: Callable[[], Image.Image]) -> None:
    assert steps_of(drawn()) == ()


def test_level_edges_of_a_scan_do_not_hide_that_its_few_lines_slope() -> None:
    image = seen(FEW_LINES, aslant(5))
    image.paste(0, (0, 0, WIDTH, 25))
    assert [step.partition(".")[0] for step in steps_of(image)] == ["deskew -5"]


@pytest.mark.parametrize("width", [2000, 12_000, MAX_SIDE])
def test_a_page_does_not_grow_without_bound(width: int) -> None:
    strip = seen(one_line(width, "words " * 40), aslant(4, width, 220), (width, 220))
    how = straightening(look_at(np.asarray(strip)), strip.size)
    assert max(how.size) <= MAX_SIDE
    assert how.size[0] * how.size[1] <= 20_000_000


def test_all_that_is_done_is_told_and_the_way_is_the_sum_of_it() -> None:
    steps = list[str]()
    image = seen(PAGE, aslant(3)).rotate(90, expand=True)
    found = mended(image, steps)
    assert [step.partition(".")[0] for step in steps] == ["rotate 90", "deskew -3"]
    on_its_side = Projective.turned(270, WIDTH, HEIGHT)
    for _, start, end in WORDS:
        (x0, y0), (x1, y1) = (found.way.of(on_its_side.of(aslant(3).of(point))) for point in (start, end))
        assert y1 == pytest.approx(y0, abs=1)
        assert x1 - x0 == pytest.approx(end[0] - start[0], abs=1)
