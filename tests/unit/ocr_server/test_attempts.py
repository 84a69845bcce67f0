"""Counting deaths by image, and waiting before the next process."""

from ocr_server.attempts import LONGEST_WAIT, REMEMBERED, Attempts, Backoff


def test_an_image_may_be_read_until_it_has_ended_as_many_processes_as_it_may() -> None:
    attempts = Attempts(2)
    assert attempts.may_read("a")
    assert attempts.died_of("a") == 1
    assert attempts.may_read("a")
    assert attempts.died_of("a") == 2
    assert not attempts.may_read("a")
    assert attempts.may_read("b")


def test_only_so_many_images_are_remembered() -> None:
    attempts = Attempts(1)
    for number in range(REMEMBERED + 1):
        attempts.died_of(str(number))
    assert attempts.may_read("0")
    assert not attempts.may_read("1")


def test_a_process_that_has_read_is_replaced_at_once_and_others_later_and_later() -> None:
    backoff = Backoff()
    waits = [backoff.after(has_read=False) for _ in range(10)]
    assert waits == sorted(waits)
    assert 0 < waits[0] < waits[1]
    assert waits[-1] == LONGEST_WAIT
    assert backoff.after(has_read=True) == 0
