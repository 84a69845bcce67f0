"""What a figure says of its rounds."""

import pytest

from benchmarks.figures import Figure, Reach, percentile, spread


def test_the_ratio_is_taken_round_by_round() -> None:
    figure = Figure("words", "/s", [100.0, 50.0, 90.0], Reach(0.7), [200.0, 100.0, 100.0], "limit")
    assert figure.median == 90
    assert figure.baseline_median == 100
    assert figure.ratios == [0.5, 0.5, 0.9]
    assert figure.ratio == 0.5
    assert figure.is_reached is False


def test_without_a_baseline_the_figure_itself_is_held_to_the_bound() -> None:
    assert Figure("latency", "ms", [2.0, 4.0, 3.0], Reach(3, is_most=True)).is_reached is True
    assert Figure("latency", "ms", [2.0, 4.0, 3.1], Reach(3, is_most=True)).is_reached is False
    assert Figure("latency", "ms", [2.0]).is_reached is None
    assert Figure("latency", "ms", [2.0]).ratio is None


def test_what_is_fast_and_wrong_is_missed() -> None:
    assert Figure("pages", "/s", [3.0], Reach(1.1), [2.0]).is_reached is True
    assert Figure("pages", "/s", [3.0], Reach(1.1), [2.0], holds=False).is_reached is False
    assert Figure("pages", "/s", [3.0], holds=False).is_reached is None


def test_a_baseline_of_other_rounds_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = Figure("words", "/s", [1.0, 2.0], baseline=[1.0]).ratio


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 50), (50.5, 51), (95, 95), (99, 99), (100, 100)])
def test_percentiles_of_a_hundred_values(percent: float, expected: int) -> None:
    assert percentile([float(one) for one in range(100, 0, -1)], percent) == expected


def test_percentiles_of_few_values() -> None:
    assert percentile([7.0], 0) == percentile([7.0], 99) == 7
    assert percentile([1.0, 2.0], 50) == 1
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2
    assert percentile([1.0, 2.0, 3.0, 4.0], 99) == 4


def test_spread_is_least_and_greatest() -> None:
    assert spread([2.0, 1.0, 3.0]) == (1, 3)
