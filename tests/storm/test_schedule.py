"""The schedule of a storm: decided by its seed, and with all kinds of fault in it."""

import itertools
from collections import Counter

import pytest

from tests.storm.report import recovery
from tests.storm.schedule import DOWN, GAPS, ROUND, Kind, pause_of_an_image, schedule


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    assert schedule(7, 1000) == schedule(7, 1000)
    assert schedule(7, 1000) != schedule(8, 1000)


@pytest.mark.parametrize("seed", range(10))
def test_each_round_has_all_kinds_of_fault_at_bearable_distances(seed: int) -> None:
    faults = schedule(seed, 1000)
    assert Counter(fault.kind for fault in faults) == {kind: 5 * ROUND.count(kind) for kind in Kind}
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(faults)]
    assert GAPS[0] - 0.01 <= min(gaps)
    assert max(gaps) <= GAPS[1] + 0.01
    assert all(0 <= fault.choice < 1 and DOWN[0] <= fault.down <= DOWN[1] for fault in faults)


def test_a_short_storm_has_all_kinds_too() -> None:
    assert {fault.kind for fault in schedule(1, 20)} == set(Kind)


def test_images_last_as_long_as_the_faults() -> None:
    faults = schedule(1, 1000)
    assert pause_of_an_image(faults, 1000, 4) * 1000 / 4 == pytest.approx(faults[-1].at)


def test_recovery_is_the_time_from_a_fault_to_the_next_answer() -> None:
    faults = [(Kind.BROKER, 10.0), (Kind.BROKER, 20.0), (Kind.GATEWAY, 30.0)]
    found = recovery(faults, answers=[9.0, 13.0, 14.0, 20.5])
    assert found[Kind.BROKER] == [3.0, 0.5]
    assert found[Kind.GATEWAY] == []  # the last of all: there was no answer to come
