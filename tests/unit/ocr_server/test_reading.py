"""What a reading shows of itself."""

import pytest

from ocr_server.reading import (
    Reading,
    TextLine,
    are_out_of_order,
    are_upright,
    laid_level,
    most_doubtful,
    stands_in_cells,
)


def _lines(*rows: tuple[str, ...], columns: tuple[int, ...] = (0, 400, 600, 800)) -> list[TextLine]:
    """Rows of cells, 40 pixels high; column after column, as Tesseract reads them."""
    cells = [
        (column, TextLine((columns[column], 50 * row, columns[column] + 20 * len(text), 50 * row + 40), text, 90))
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
        if text
    ]
    return [line for _, line in sorted(cells, key=lambda cell: cell[0])]


TABLE = [("Hinge 60 mm", "140", "1.25"), ("Door handle", "36", "18.90"), ("Brass lock", "12", "34.50")]
RECEIPT = [("2 x Whole milk 1 l", "2.58"), ("Free range eggs", "3.49"), ("Olive oil", "7.25"), ("TOTAL", "13.32")]


@pytest.mark.parametrize("rows", [TABLE, RECEIPT], ids=["table", "receipt"])
def test_short_lines_side_by_side_are_cells(rows: list[tuple[str, ...]]) -> None:
    assert stands_in_cells(_lines(*rows))


def test_columns_of_running_text_are_no_cells() -> None:
    rows = [("one two three four five", "six seven eight nine ten")] * 9 + [("end.", "too")] * 9
    assert not stands_in_cells(_lines(*rows, columns=(0, 700)))


def test_a_menu_beside_running_text_is_no_table() -> None:
    text = ["The committee met on the third of May in the old", "hall and heard reports from all of its members."] * 2
    assert not stands_in_cells(_lines(*zip(["Home", "Inbox", "Sent items", "Help"], text, strict=True)))


def test_one_column_is_none_and_neither_are_two_words_at_a_letter_s_head() -> None:
    assert not stands_in_cells(_lines(*[("one two",)] * 20))
    assert not stands_in_cells(_lines(("Oslo", "1 May"), ("Dear Ann,",), ("thank you for all",), ("Bye",)))
    assert not stands_in_cells([])


def test_lines_that_hardly_share_their_height_are_not_side_by_side() -> None:
    left = [TextLine((0, 50 * row, 90, 50 * row + 40), "a", 90) for row in range(9)]
    right = [TextLine((200, 50 * row + 28, 290, 50 * row + 68), "b", 90) for row in range(9)]
    assert not stands_in_cells([*left, *right])


def test_the_worth_of_a_reading_rises_with_its_letters_and_how_sure_they_are() -> None:
    good, less, garbage = Reading("four five", (90, 90)), Reading("four", (90,)), Reading("q~ xx7 vB|", (48, 40))
    assert good.worth > less.worth > garbage.worth == 0


def test_a_blank_of_which_the_engine_is_sure_is_nothing() -> None:
    blank = Reading(" \n\f", (95.0,))
    assert (blank.is_empty, blank.confidence, blank.letters, blank.worth) == (True, 0, 0, 0)


def _column(*said: tuple[str, float], left: int = 0) -> list[TextLine]:
    return [TextLine((left, 40 * y, left + 300, 40 * y + 30), text, sure) for y, (text, sure) in enumerate(said)]


SURE, BAD = ("on the server", 96.0), ("je AG al PE", 30.0)


def test_the_most_doubtful_lines_are_a_few_that_follow_each_other() -> None:
    lines = _column(BAD, SURE, BAD, ("je AG al PE es Se", 30.0), SURE, *[SURE] * 9)
    assert most_doubtful(lines) == lines[2:4]
    assert most_doubtful(_column(*[SURE] * 3, *[BAD] * 9)) == _column(*[SURE] * 3, *[BAD] * 9)[3:6]


def test_a_few_smeared_letters_are_no_doubtful_line_and_without_one_any_will_do() -> None:
    lines = _column(SURE, ("l.", 20.0), SURE, ("on the servers here", 96.0), SURE)
    assert most_doubtful(lines) == lines[2:5]
    assert most_doubtful([]) == []


def test_the_end_of_a_column_and_the_beginning_of_the_next_do_not_follow_each_other() -> None:
    left, right = _column(*[SURE] * 20, BAD), _column(BAD, *[SURE] * 20, left=400)
    assert most_doubtful([*left, *right]) == left[-1:]


def _stands(*places: tuple[int, int]) -> list[TextLine]:
    """Lines of 300 x 40 pixels whose upper left corners are there."""
    return [TextLine((x, y, x + 300, y + 40), "on the server", 95) for x, y in places]


def test_a_chat_that_is_read_side_after_side_is_out_of_order() -> None:
    left, right = [(0, 0), (0, 60), (0, 300), (0, 360)], [(500, 150), (500, 210), (500, 450)]
    assert are_out_of_order(_stands(*left, *right))
    assert not are_out_of_order(_stands(*sorted([*left, *right], key=lambda place: place[1])))


def test_a_short_menu_beside_a_long_text_is_in_order() -> None:
    assert not are_out_of_order(_stands(*((0, 60 * row) for row in range(3)), *((400, 60 * row) for row in range(40))))


@pytest.mark.parametrize("lower", [0, 15, 30])
def test_two_columns_are_in_order_also_if_their_lines_are_not_at_one_height(lower: int) -> None:
    assert not are_out_of_order(_stands(*((x, 60 * row + lower * (x > 0)) for x in (0, 400) for row in range(20))))


def test_lines_that_go_from_top_to_bottom_are_told_and_laid_level() -> None:
    lying = [TextLine((100 - 50 * row, 20, 130 - 50 * row, 300), "on the server", 95) for row in range(3)]
    assert are_upright(lying)
    assert not are_upright(_stands((0, 0), (0, 60)))
    assert not are_upright([])
    assert [line.box for line in laid_level(lying, 200)] == [
        (20, 70 + 50 * row, 300, 100 + 50 * row) for row in range(3)
    ]


def test_chinese_characters_count_twice_where_letters_are_weighed() -> None:
    assert (Reading("早餐 店").weight, Reading("a bc").weight) == (6, 3)
