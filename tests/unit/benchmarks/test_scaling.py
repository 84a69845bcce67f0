"""What another OCR process brings."""

from benchmarks.scaling import STACK, Rates, curve, gain
from benchmarks.throughput import LIMIT

RATES: Rates = {
    ("pages", STACK, 1): [1.0, 1.2, 1.1],
    ("pages", STACK, 2): [2.0, 2.1, 2.2],
    ("pages", LIMIT, 1): [1.0, 1.0, 2.0],
    ("pages", LIMIT, 2): [2.0, 2.2, 2.4],
    ("words", STACK, 1): [200.0],
    ("words", LIMIT, 1): [400.0],
}


def test_the_gain_is_taken_round_by_round() -> None:
    assert gain(RATES, "pages", STACK) == [2.0, 2.1 / 1.2, 2.0]


def test_each_line_is_in_parts_of_what_the_limit_reads_with_one_process() -> None:
    drawn = curve(RATES)
    assert drawn.lines == {
        f"pages, {STACK}": [(1, 1.1), (2, 2.1)],
        f"pages, {LIMIT}": [(1, 1.0), (2, 2.2)],
        f"words, {STACK}": [(1, 0.5)],
        f"words, {LIMIT}": [(1, 1.0)],
    }
    assert drawn.note == "1 is 1 pages/s, 400 words/s"
