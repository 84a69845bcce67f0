"""Few letters stand on the line that most of them end on."""

import dataclasses

import pytest
from PIL import Image

from ocr_server.outputs.ink import fitted
from ocr_server.outputs.layout import Layout, Line
from tests.unit.ocr_server.outputs.laid_out import BASE, DESCENT, HEIGHT, RISE, WIDTH, line, page, word

LOW = BASE + 8
"""Where Tesseract puts the base line of "up": too low."""


def seen(text: str, base: float = LOW) -> Layout:
    return page(line(word(text, 100, 170, base)))


def drawn(*ends: int) -> Image.Image:
    """Letters that end there, one beside the other."""
    image = Image.new("L", (WIDTH, HEIGHT), 240)
    for place, end in enumerate(ends):
        image.paste(10, (100 + 18 * place, BASE - RISE + 5, 112 + 18 * place, end))
    return image


def only_line(layout: Layout) -> Line:
    ((_, found),) = layout.numbered_lines()
    return found


def test_the_base_line_of_few_letters_is_where_most_of_them_end() -> None:
    found = only_line(fitted(seen("Copy"), drawn(BASE, BASE + 1, BASE, BASE + DESCENT)))
    assert (found.start[1], found.end[1]) == (BASE, BASE)
    assert (found.words[0].start, found.words[0].end) == ((100, BASE), (166, BASE))
    assert found.start[1] + found.rise[1] == LOW - RISE  # the top of high letters is where it was


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        pytest.param("gyp", (BASE + DESCENT,) * 3, id="no letter that stands on it"),
        pytest.param("Copy", (BASE - RISE + 10,) * 4, id="too far away"),
        pytest.param("a word of many letters", (BASE - 5,) * 4, id="too far away for a whole line"),
        pytest.param("many letters here", (BASE - 9, BASE - 4, BASE + 1, BASE + 6, BASE + 12), id="no common end"),
        pytest.param("電話", (BASE,) * 4, id="Chinese"),
    ],
)
def test_it_stays_where_nothing_better_is_known(text: str, ends: tuple[int, ...]) -> None:
    assert only_line(fitted(seen(text), drawn(*ends))).start[1] == LOW


def test_the_base_line_of_a_whole_line_goes_along_with_its_letters() -> None:
    steps = [BASE + 3 - step for step in range(4) for _ in range(12)]
    layout = page(line(word("many letters", 100, 500, BASE + 5), word("rising", 520, 960, BASE + 5)))
    found = only_line(fitted(layout, drawn(*steps)))
    assert (found.start[1], found.end[1]) == pytest.approx((BASE + 3.5, BASE - 0.5), abs=0.6)
    assert found.words[1].start[1] == pytest.approx((found.start[1] + found.end[1]) / 2, abs=0.3)


def test_a_line_that_rises_stays_as_it_is() -> None:
    rising = seen("Copy").with_lines(lambda one: dataclasses.replace(one, end=(170, LOW - 6)))
    assert only_line(fitted(rising, drawn(BASE, BASE, BASE))).end[1] == LOW - 6
