import pytest

from benchmarks.accuracy.mapping import Mapping
from benchmarks.accuracy.placement import Box, Word, box_offsets, in_image, offsets

LINE = (Word("the", (100, 200), (150, 200), 40), Word("old", (160, 200), (205, 200), 40))


def test_what_is_in_place_is_within() -> None:
    assert [offset.is_within for offset in offsets(LINE, LINE)] == [True, True]


def test_offsets_are_in_parts_of_the_line_s_height() -> None:
    found = list(in_image([("the", 102, 150, 201, 12), ("old", 160, 201, 203, 12)]))
    first, second = offsets(LINE, found)
    assert (first.left, first.right, first.base) == (0.05, 0.0, 0.025)
    assert first.is_within
    assert (second.left, second.right, second.base) == (0.0, 0.1, 0.075)
    assert not second.is_within


def test_a_word_that_was_read_differently_is_left_out() -> None:
    found = (Word("then", (100, 200), (150, 200), 40), LINE[1])
    assert [offset.text for offset in offsets(LINE, found)] == ["old"]


def test_of_words_with_the_same_text_each_is_held_against_the_closest() -> None:
    again = Word("the", (100, 260), (150, 260), 40)
    found = (Word("the", (102, 260), (152, 260), 40),)  # the first one was read differently
    assert [offset.left for offset in offsets((LINE[0], again), found)] == [0.05]
    assert [offset.left for offset in offsets((LINE[0], again), (again, LINE[0]))] == [0, 0]


@pytest.mark.parametrize("degrees", [90, 180, 270, 7])
def test_left_and_right_go_along_the_text_whatever_its_direction(degrees: float) -> None:
    turn = Mapping.turn(degrees).then(Mapping.shift(500, 500))
    moved = Mapping.shift(4, 2)  # on the upright page: right by a tenth, down by a twentieth
    (offset, _) = offsets(list(map(turn.word, LINE)), [turn.word(moved.word(word)) for word in LINE])
    assert (offset.left, offset.right, offset.base) == pytest.approx((0.1, 0.1, 0.05))


def test_a_quarter_turn_goes_counterclockwise_as_one_sees_it() -> None:
    assert Mapping.turn(90)((1, 0)) == pytest.approx((0, -1))


def test_a_mapping_and_its_inverse_undo_each_other() -> None:
    to = Mapping.to_quad(200, 100, ((10, 5), (180, 0), (200, 90), (0, 100)))
    assert to((0, 0)) == pytest.approx((10, 5))
    assert to((200, 0)) == pytest.approx((180, 0))
    assert to((200, 100)) == pytest.approx((200, 90))
    assert to((0, 100)) == pytest.approx((0, 100))
    assert to.then(to.inverse())((37, 59)) == pytest.approx((37, 59))


def test_a_word_s_height_changes_with_its_size() -> None:
    assert Mapping.scale(0.5).word(LINE[0]) == Word("the", (50, 100), (75, 100), 20)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_box_is_held_against_the_ends_of_a_word_in_any_of_the_four_directions(degrees: float) -> None:
    turn = Mapping.turn(degrees).then(Mapping.shift(500, 500))
    (x, y), (other_x, other_y) = turn((104, 170)), turn((150, 210))  # the left edge is off by a tenth of the height
    box = Box("the", min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y))
    (offset,) = box_offsets([turn.word(LINE[0])], [box])
    assert (offset.left, offset.right, offset.base) == pytest.approx((0.1, 0.0, 0.0), abs=1e-9)
    assert not offset.is_within
    assert offset.most == pytest.approx(0.1)


def test_boxes_of_skewed_words_are_not_compared() -> None:
    skewed = [Mapping.turn(3).word(word) for word in LINE]
    assert box_offsets(skewed, [Box("the", 100, 160, 150, 205)]) == []
