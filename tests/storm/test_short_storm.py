"""A short storm: all kinds of fault within some seconds, and nothing is lost. The long one is script/storm."""

from pathlib import Path

import pytest

from tests.storm.schedule import Kind
from tests.storm.storm import run

IMAGES, CLIENTS, SEED = 100, 10, 1


@pytest.mark.timeout(300)
def test_a_short_storm_loses_repeats_and_swaps_nothing(
    tesseract: None, broker_image: str | None, tmp_path: Path
) -> None:
    told: list[str] = []
    result = run(IMAGES, SEED, CLIENTS, broker_image, tmp_path, told.append)
    what_happened = "\n".join([*told, *result.complaints, *result.table])
    assert result.count.is_flawless, what_happened
    assert not result.complaints, what_happened
    assert (result.count.sent, result.count.answered) == (IMAGES, IMAGES)
    assert {kind for kind, _ in result.faults} == set(Kind), what_happened
