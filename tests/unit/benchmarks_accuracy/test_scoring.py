import pytest

from benchmarks.accuracy.scoring import Tally, differences, normalised, tally
from benchmarks.accuracy.verdict import misses


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("two  words\n\nand a line\f", "two words and a line"),
        ("Cafe\u0301", "Café"),
        ("“Don’t”", '"Don\'t"'),
        ("ﬁnd the ﬂoor", "find the floor"),
        ("à\u00a0midi\u202f!", "à midi !"),
        ("海邊的\n圖書館。\n\n現在，", "海邊的圖書館。現在，"),
        ("會議通知\nMeeting Notice", "會議通知 Meeting Notice"),
    ],
)
def test_what_is_alike_in_print_or_mere_layout_does_not_count(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert tally(one, other).wrong_characters == 0


@pytest.mark.parametrize(
    ("true", "read", "wrong"),
    [("圖書館", "圖 書 館", 2), ("門，晚", "門, 晚", 2), ("„ja“", '"ja"', 1), ("«oui»", '"oui"', 2), ("A–Z", "A-Z", 1)],
)
def test_other_signs_and_spaces_in_chinese_count(true: str, read: str, wrong: int) -> None:
    assert tally(true, read).wrong_characters == wrong


def test_errors_are_in_points_of_what_is_there() -> None:
    found = tally("one two three four", "one too three")
    assert (found.wrong_characters, found.characters) == (6, 18)
    assert (found.wrong_words, found.words) == (2, 4)
    assert found.word_error == 50
    assert found.exact == 0


def test_each_chinese_character_counts_as_a_word() -> None:
    assert tally("圖書館 OCR 系統。", "").words == 7


def test_more_can_be_wrong_than_there_is() -> None:
    assert tally("is", "garbage").character_error > 100
    assert Tally().character_error == 0


def test_tallies_add_up_by_length_not_by_text() -> None:
    both = tally("a" * 90, "a" * 90) + tally("b" * 10, "")
    assert both.character_error == 10
    assert (both.exact, both.texts) == (1, 2)


def test_what_was_read_differently_is_told_in_words() -> None:
    assert list(differences("one two three  four five", "one too\nthree four")) == [("two", "too"), ("five", "")]
    assert list(differences("", "a b")) == [("", "a b")]
    assert list(differences("圖書館，6 月", "圖書舘，6月")) == [("館", "舘"), ("␣", "")]


def of_1000(wrong: int, exact: int = 0) -> Tally:
    return Tally(wrong, 1000, wrong, 1000, exact, 10)


def test_a_class_may_be_a_tenth_of_a_point_worse_and_no_more() -> None:
    assert list(misses(of_1000(5), of_1000(6))) == []
    assert list(misses(of_1000(5), of_1000(7))) == ["worse than plain"]


def test_where_plain_is_bad_ours_is_half_as_bad() -> None:
    assert list(misses(of_1000(20), of_1000(20))) == []
    assert list(misses(of_1000(30), of_1000(15))) == []
    assert list(misses(of_1000(30), of_1000(16))) == ["not halved"]
    assert list(misses(of_1000(30), of_1000(40))) == ["worse than plain", "not halved"]


def test_every_single_word_is_right() -> None:
    assert list(misses(of_1000(20), of_1000(0, exact=10), every_word=True)) == []
    assert list(misses(of_1000(20), of_1000(2, exact=8), every_word=True)) == ["2 of 10 wrong"]


def test_a_turned_page_is_read_as_well_as_the_upright_one() -> None:
    assert list(misses(of_1000(800), of_1000(15), upright=of_1000(5))) == []
    assert list(misses(of_1000(800), of_1000(16), upright=of_1000(5))) == ["worse than upright"]


def test_words_that_are_misplaced_are_a_miss() -> None:
    assert list(misses(of_1000(0), of_1000(0), misplaced=3)) == ["3 misplaced"]
