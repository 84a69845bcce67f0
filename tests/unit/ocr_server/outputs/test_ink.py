"""Words become as wide as their ink, unless that cannot be."""

import dataclasses

import pytest
from PIL import Image

from ocr_server.outputs.ink import fitted
from ocr_server.outputs.layout import Layout
from ocr_server.outputs.projective import Projective
from tests.unit.ocr_server.outputs.laid_out import BASE, DESCENT, HEIGHT, RISE, WIDTH, line, page, word

LETTERS = ((100, 120), (124, 140), (143, 158), (200, 220), (222, 260))  # of two words


def image(*letters: tuple[int, int], ink: int = 10, paper: int = 240, top: int = BASE - RISE) -> Image.Image:
    drawn = Image.new("L", (WIDTH, HEIGHT), paper)
    for left, right in letters:
        drawn.paste(ink, (left, top, right, BASE + DESCENT))
        drawn.paste(paper, (left + 2, top + 2, right - 2, BASE + DESCENT - 4))
    return drawn


def sides(layout: Layout) -> list[tuple[float, float]]:
    """Of the words; box and base line agree."""
    words = [word for _, line in layout.numbered_lines() for word in line.words]
    assert all((word.start[0], word.end[0]) == (word.box[0], word.box[2]) for word in words)
    return [(word.box[0], word.box[2]) for word in words]


def read(*words: tuple[float, float]) -> Layout:
    return page(line(*(word("so", *one) for one in words)))


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(((100, 158), (200, 260)), id="right already"),
        pytest.param(((100, 141), (200, 260)), id="a last letter left out"),
        pytest.param(((100, 122), (200, 260)), id="two last letters left out"),
        pytest.param(((124, 158), (222, 260)), id="a first letter left out"),
        pytest.param(((103, 156), (202, 258)), id="a little too narrow"),
        pytest.param(((95, 164), (190, 266)), id="a little too wide"),
        pytest.param(((100, 174), (174, 260)), id="meeting between the words"),
        pytest.param(((100, 260), (200, 260)), id="the first one spanning both"),
    ],
)
def test_words_span_their_letters(seen: tuple[tuple[float, float], ...]) -> None:
    assert sides(fitted(read(*seen), image(*LETTERS))) == [(100, 158), (200, 260)]


def test_light_letters_on_dark_and_colours_are_ink_too() -> None:
    seen = read((100, 150), (200, 260))
    assert sides(fitted(seen, image(*LETTERS, ink=250, paper=20))) == [(100, 158), (200, 260)]
    assert sides(fitted(seen, image(*LETTERS).convert("RGB"))) == [(100, 158), (200, 260)]


def test_words_of_a_line_from_right_to_left_too() -> None:
    assert sides(fitted(read((200, 250), (100, 150)), image(*LETTERS))) == [(200, 260), (100, 158)]


def test_what_stands_further_away_is_no_letter_of_the_word() -> None:
    assert sides(fitted(read((100, 158), (200, 260)), image(*LETTERS, (280, 283), (80, 82)))) == [
        (100, 158),
        (200, 260),
    ]


def test_letters_of_two_words_that_touch_leave_each_its_edge() -> None:
    assert sides(fitted(read((100, 150), (150, 200)), image((100, 200)))) == [(100, 150), (150, 200)]


def test_an_edge_is_not_moved_far() -> None:
    assert sides(fitted(read((100, 400)), image((100, 170)))) == [(100, 400)]


def test_a_word_without_a_width_has_the_letter_that_stands_alone_beside_it() -> None:
    seen = read((100, 158), (162, 163), (200, 260))
    found = sides(fitted(seen, image((100, 120), (124, 158), (174, 186), (200, 220), (222, 260))))
    assert found == [(100, 158), (174, 186), (200, 260)]


def test_a_letter_goes_to_the_word_that_lacks_it_and_is_closer() -> None:
    of_the = image((100, 114), (117, 130), (136, 144), (147, 158), (161, 172))
    assert sides(fitted(page(line(word("of", 100, 114), word("the", 117, 172))), of_the)) == [(100, 130), (136, 172)]
    to_jane = image((100, 108), (110, 122), (130, 135), (138, 150), (153, 165), (168, 180))
    assert sides(fitted(page(line(word("to", 100, 135), word("jane", 138, 180))), to_jane)) == [(100, 122), (130, 180)]


@pytest.mark.parametrize(
    ("texts", "why"),
    [(("Lad", "3m"), "a space was not read"), (("的小那有", "川八"), "they are written without a space")],
)
def test_a_wider_gap_in_a_word_than_beside_it_may_be_right(texts: tuple[str, str], why: str) -> None:
    drawn = image((100, 110), (112, 122), (124, 134), (139, 149), (156, 166))
    seen = page(line(word(texts[0], 100, 134), word(texts[1], 139, 166)))
    assert sides(fitted(seen, drawn)) == [(100, 134), (139, 166)], why


def test_a_word_that_has_no_letter_takes_the_one_that_most_of_it_is_in() -> None:
    of_a = image((100, 114), (117, 130), (136, 150))
    assert sides(fitted(page(line(word("of", 100, 150), word("a", 140, 156))), of_a)) == [(100, 130), (136, 150)]
    assert sides(fitted(page(line(word("of", 100, 150), word("|", 149, 156))), of_a)) == [(100, 150), (149, 156)]


@pytest.mark.parametrize("tail", [150, 158])
def test_the_tail_of_an_italic_f_takes_no_letter_from_the_word_before_it(tail: int) -> None:
    drawn = image((100, 118), (122, 140), (212, 260))
    drawn.paste(10, (144, BASE - RISE, 158, BASE))  # the t of "that"
    drawn.paste(10, (tail, BASE + 4, 180, BASE + DESCENT))  # under it, or up to it, the tail of the f of "field"
    drawn.paste(10, (174, BASE - RISE, 210, BASE + DESCENT))
    found = sides(fitted(page(line(word("that", 100, 158), word("field", 158, 260))), drawn))
    assert found == [(100, 158), (tail, 260)]


def test_a_letter_that_is_in_both_boxes_stays_with_the_run_that_it_is_in() -> None:
    drawn = image((127, 140), (144, 160))
    drawn.paste(10, (100, BASE - 15, 112, BASE))
    drawn.paste(10, (111, BASE - RISE, 122, BASE - 20))  # touches nothing, but shares a column
    found = sides(fitted(page(line(word("of", 100, 117), word("go", 111, 160))), drawn))
    assert found == [(100, 122), (127, 160)]


def test_the_line_s_box_holds_its_words() -> None:
    (_, found), *_ = fitted(read((100, 150), (200, 250)), image(*LETTERS)).numbered_lines()
    assert found.box == (100, BASE - RISE, 260, BASE + DESCENT)


def test_the_base_line_goes_on_as_it_did() -> None:
    seen = read((100, 150))
    sloping = seen.with_lines(
        lambda line: dataclasses.replace(
            line, words=tuple(dataclasses.replace(one, end=(150, BASE + 5)) for one in line.words)
        )
    )
    (_, found), *_ = fitted(sloping, image((100, 150), (153, 170))).numbered_lines()
    assert found.words[0].end == (170, BASE + 7)


@pytest.mark.parametrize("degrees", [5, 90, 180, 270])
def test_lines_that_do_not_lie_stay_as_they_are(degrees: float) -> None:
    turned = read((100, 150), (200, 260)).through(Projective.turned(degrees, WIDTH, HEIGHT), HEIGHT, HEIGHT)
    assert fitted(turned, Image.effect_noise((HEIGHT, HEIGHT), 90)) == turned


@pytest.mark.parametrize("paper", [Image.new("L", (WIDTH, HEIGHT)), Image.new("L", (90, 90), 255), image(ink=235)])
def test_nothing_is_moved_without_ink(paper: Image.Image) -> None:
    assert fitted(read((100, 150)), paper) == read((100, 150))


def test_a_hostile_line_takes_no_time() -> None:
    wide = Image.new("1", (32_000, 40))
    wide.putdata([x % 2 for x in range(32_000)] * 40)
    words = tuple(word("so", x, x + 3, base=35) for x in range(0, 32_000, 4))
    layout = Layout(32_000, 40, page(line(*words)).blocks)
    assert len(sides(fitted(layout, wide))) == 8_000
