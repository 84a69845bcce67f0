"""What a process writes on its slate is there for its supervisor, also when it has died."""

import multiprocessing
import os
import signal
import time

import pytest

from ocr_server.slate import Slate

CONTEXT = multiprocessing.get_context("spawn")


def test_the_image_that_is_begun_is_there_until_it_ends() -> None:
    slate = Slate(CONTEXT)
    assert (slate.image_id, slate.has_read) == (None, False)
    before = time.monotonic()
    slate.begin("a longer one")
    slate.begin("圖 1")
    assert (slate.image_id, slate.has_read) == ("圖 1", False)
    assert before <= slate.begun_at <= time.monotonic()
    slate.end()
    assert (slate.image_id, slate.has_read) == (None, True)
    slate.begin("b")
    assert (slate.image_id, slate.has_read) == ("b", True)


def test_an_image_that_ends_between_two_looks_does_not_look_as_if_it_had_taken_for_ever() -> None:
    slate = Slate(CONTEXT)
    before = time.monotonic()
    slate.begin("a")
    slate.end()
    assert slate.begun_at >= before


def _read_on_and_on(slate: Slate, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        slate.begin("a")
        slate.end()


def test_no_look_finds_half_of_what_is_being_written() -> None:
    slate = Slate(CONTEXT)
    slate.begin("a")
    before = slate.begun_at
    process = CONTEXT.Process(target=_read_on_and_on, args=(slate, 0.5))
    process.start()
    earliest, seen = before, set[str | None]()
    while process.is_alive():
        for _ in range(1000):
            earliest = min(earliest, slate.begun_at)
            seen.add(slate.image_id)
    assert earliest == before
    assert seen <= {"a", None}


def test_a_death_is_counted_once_and_is_no_image_that_was_read() -> None:
    slate = Slate(CONTEXT)
    slate.begin("poison")
    assert slate.died_of() == "poison"
    assert (slate.died_of(), slate.image_id, slate.has_read) == (None, None, False)


@pytest.mark.parametrize("image_id", ["\0", "a\0b", "x" * 255, "圖" * 200])
def test_any_message_id_fits(image_id: str) -> None:
    slate = Slate(CONTEXT)
    slate.begin(image_id)
    assert slate.image_id is not None
    assert image_id.startswith(slate.image_id.rstrip("\N{REPLACEMENT CHARACTER}"))


def _begin_and_die(slate: Slate) -> None:
    slate.begin("poison")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_leaves_what_it_wrote() -> None:
    slate = Slate(CONTEXT)
    process = CONTEXT.Process(target=_begin_and_die, args=(slate,))
    process.start()
    process.join()
    assert slate.image_id == "poison"
