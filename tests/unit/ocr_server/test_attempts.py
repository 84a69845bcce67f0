"""Counting deaths by image, waiting before the next process, and for one that does not answer."""

from ocr_server.attempts import (
    ASK_EVERY,
    LONGEST_SILENCE,
    LONGEST_START,
    LONGEST_WAIT,
    REMEMBERED,
    Attempts,
    Backoff,
    Silence,
)


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


def _asked(silence: Silence, begin: float, seconds: float) -> list[float]:
    """When the process is asked while somebody looks every half second."""
    looks = [begin + 0.5 * step for step in range(1, int(2 * seconds) + 1)]
    return [now for now in looks if silence.look(now)]


def _started() -> Silence:
    silence = Silence()
    silence.broken()
    return silence


def test_a_process_that_never_says_that_it_has_started_gets_longer_and_is_silent_then() -> None:
    silence = Silence()
    assert _asked(silence, 100.0, LONGEST_START) == []
    assert not silence.is_too_long
    _asked(silence, 100.0 + LONGEST_START, 1)
    assert silence.is_too_long


def test_a_process_that_has_taken_long_to_start_is_asked_as_any_other() -> None:
    silence = Silence()
    _asked(silence, 100.0, LONGEST_START)
    silence.broken()
    assert len(_asked(silence, 100.0 + LONGEST_START, ASK_EVERY)) == 1
    assert not silence.is_too_long
    _asked(silence, 100.0 + LONGEST_START + ASK_EVERY, LONGEST_SILENCE)
    assert silence.is_too_long


def test_a_process_is_asked_from_time_to_time_and_silent_when_it_does_not_answer() -> None:
    silence = _started()
    assert _asked(silence, 100.0, 2 * ASK_EVERY) == [100.5 + ASK_EVERY]
    _asked(silence, 100 + 2 * ASK_EVERY, LONGEST_SILENCE - ASK_EVERY)
    assert not silence.is_too_long
    _asked(silence, 100 + LONGEST_SILENCE + ASK_EVERY, 1)
    assert silence.is_too_long


def test_a_process_that_answers_is_asked_again() -> None:
    silence = _started()
    asked = []
    for step in range(200):
        if silence.look(0.5 * step):
            asked.append(0.5 * step)
            silence.broken()
        assert not silence.is_too_long
    assert asked[:3] == [ASK_EVERY, 2 * ASK_EVERY, 3 * ASK_EVERY]


def test_time_in_which_nobody_looked_is_held_against_nobody() -> None:
    silence = _started()
    _asked(silence, 0.0, ASK_EVERY + 1)
    silence.look(1000.0)
    assert not silence.is_too_long
