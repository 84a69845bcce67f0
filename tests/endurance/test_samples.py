"""When a run counts as flat."""

import os
import sys
from dataclasses import replace

import pytest

from tests.endurance.samples import BASE, Sample, complaints, files_of, memory_of, table

AT_BASE = Sample(BASE, {"gateway": 100_000_000, "client": 50_000_000}, {"gateway": 20, "client": 10}, 7, 3)
EARLIER = replace(AT_BASE, answered=1000, memory={"gateway": 1, "client": 1})
END = replace(AT_BASE, answered=20_000)


def test_what_stays_as_it_is_is_flat() -> None:
    assert complaints([EARLIER, AT_BASE, END]) == []


@pytest.mark.parametrize(
    ("last", "word"),
    [
        (replace(END, memory={"gateway": 111_000_000, "client": 50_000_000}), "memory of gateway"),
        (replace(END, files={"gateway": 20, "client": 19}), "client has 19 files"),
        (replace(END, queues=8), "8 queues"),
    ],
    ids=["memory", "files", "queues"],
)
def test_growth_is_complained_of(last: Sample, word: str) -> None:
    (complaint,) = complaints([EARLIER, AT_BASE, last])
    assert word in complaint


def test_the_table_has_a_row_for_each_sample_and_the_growth() -> None:
    lines = table([EARLIER, AT_BASE, replace(END, memory={"gateway": 105_000_000, "client": 50_000_000})])
    assert len(lines) == 2 + 3 + 1
    assert "+5.0% | +0.0%" in lines[-1]
    assert len({line.count("|") for line in lines}) == 1


def test_a_run_that_ended_early_has_a_table_without_growth() -> None:
    assert len(table([EARLIER])) == 2 + 1


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_memory_and_files_of_a_process_are_read() -> None:
    assert memory_of(os.getpid()) > 2**20
    assert files_of(os.getpid()) >= 3
