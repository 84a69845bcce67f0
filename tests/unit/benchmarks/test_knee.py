"""Where the curve of latency against load bends."""

from benchmarks.load import knee


def test_the_knee_is_the_greatest_load_before_latency_is_three_times_the_first() -> None:
    assert knee([(10, 5), (20, 6), (30, 15), (40, 16), (50, 400)]) == 30


def test_what_is_quick_again_behind_the_knee_does_not_count() -> None:
    assert knee([(10, 5), (20, 50), (30, 6)]) == 10


def test_a_flat_curve_has_its_knee_at_the_end() -> None:
    assert knee([(10, 5), (20, 5)]) == 20


def test_latency_that_falls_with_load_is_within() -> None:
    assert knee([(10, 9), (20, 5), (30, 26), (40, 28)]) == 30
