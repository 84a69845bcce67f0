"""What the head of a report says, and what one measurement leaves to the next."""

import os

import pytest

from benchmarks.machine import cores, described, omp_threads

LIMIT = "OMP_THREAD_LIMIT"


def test_the_number_of_threads_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "7")
    with omp_threads(1):
        assert os.environ[LIMIT] == "1"
        with omp_threads(None):
            assert LIMIT not in os.environ
        assert os.environ[LIMIT] == "1"
    assert os.environ[LIMIT] == "7"


def test_where_there_was_none_there_is_none_again_also_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIMIT, raising=False)
    with pytest.raises(KeyError), omp_threads(1):
        raise KeyError
    assert LIMIT not in os.environ


def test_the_head_says_what_a_figure_depends_on() -> None:
    head = described()
    assert head["cores"] == str(cores())
    assert int(head["cores"]) >= 1
    assert head["Python"]
    assert head["date"].endswith("UTC")
