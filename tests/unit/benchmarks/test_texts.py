"""A wrong text makes a benchmark fail."""

import pytest

from benchmarks.images import Sample
from benchmarks.texts import WrongText, check, error_rate, errors

WORD = Sample("word.png", b"", "Hello\n")
PAGE = Sample("page.png", b"", " ".join(f"word{number}" for number in range(100)))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a b c", 0),
        ("a  b\nc\n", 0),
        ("a x c", 1),
        ("a c", 1),
        ("a b b c", 1),
        ("", 3),
        ("x y", 3),
        ("c a b", 2),
    ],
)
def test_errors_are_words_changed_added_or_taken_away(text: str, count: int) -> None:
    assert errors("a b c", text) == count


def test_a_word_must_be_right() -> None:
    check(WORD, "Hello")
    for text in ("Hallo\n", "", "Hello there"):
        with pytest.raises(WrongText, match=r"word\.png"):
            check(WORD, text)


def test_a_page_may_have_two_words_of_a_hundred_wrong() -> None:
    check(PAGE, PAGE.text.replace("word7 ", "wordy ").replace("word8 ", ""))
    with pytest.raises(WrongText):
        check(PAGE, PAGE.text.replace("word7 word8 word9 ", ""))


def test_the_error_rate_counts_words_over_all_images() -> None:
    assert error_rate([(WORD, "Hello"), (WORD, ""), (Sample("two", b"", "a b"), "a c")]) == 0.5
