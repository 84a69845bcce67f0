"""Which publishes are confirmed, and which deliveries are acknowledged with how many frames."""

import pytest

from ocr_server.confirms import Acknowledgements, Confirms


def _published(*ones: str) -> Confirms[str]:
    confirms: Confirms[str] = Confirms()
    for one in ones:
        confirms.published(one)
    return confirms


def test_a_confirm_settles_the_publish_of_its_number() -> None:
    confirms = _published("a", "b", "c")
    assert confirms.settled(2, multiple=False) == ["b"]
    assert confirms.settled(2, multiple=False) == []
    assert confirms.settled(1, multiple=False) == ["a"]


def test_a_confirm_of_several_settles_all_until_its_number_in_their_order() -> None:
    confirms = _published("a", "b", "c")
    assert confirms.settled(1, multiple=False) == ["a"]
    confirms.published("d")
    assert confirms.settled(3, multiple=True) == ["b", "c"]
    assert confirms.settled(4, multiple=True) == ["d"]


def test_the_first_one_that_is_meant_is_found_as_long_as_it_is_not_settled() -> None:
    confirms = _published("a", "b", "a")
    assert confirms.find(lambda one: one == "a") == "a"
    assert confirms.settled(3, multiple=True) == ["a", "b", "a"]
    assert confirms.find(lambda one: one == "a") is None


def _delivered(count: int) -> Acknowledgements:
    acknowledgements = Acknowledgements()
    for tag in range(1, count + 1):
        acknowledgements.delivered(tag)
    return acknowledgements


@pytest.mark.parametrize(
    ("settled", "frames"),
    [
        ([], []),
        ([1], [(1, False)]),
        ([1, 2, 3], [(3, True)]),
        ([3, 1, 2], [(3, True)]),
        ([2], [(2, False)]),
        ([1, 2, 4], [(2, True), (4, False)]),
        ([2, 4], [(2, False), (4, False)]),
    ],
)
def test_several_are_acknowledged_at_once_only_where_no_earlier_one_is_open(
    settled: list[int], frames: list[tuple[int, bool]]
) -> None:
    acknowledgements = _delivered(5)
    for tag in settled:
        acknowledgements.settle(tag)
    assert list(acknowledgements.take_due()) == frames
    assert list(acknowledgements.take_due()) == []
    assert len(acknowledgements) == 5 - len(settled)


def test_what_was_given_back_is_in_nobody_s_way() -> None:
    acknowledgements = _delivered(3)
    acknowledgements.given_back(1)
    acknowledgements.settle(2)
    acknowledgements.settle(3)
    assert list(acknowledgements.take_due()) == [(3, True)]
    assert len(acknowledgements) == 0
