"""How many images a process takes ahead."""

from ocr_server.pace import AHEAD, FEW, LARGE, QUICK, RUN, VERY_QUICK, Pace


def _after(*seconds: float | None) -> int:
    pace = Pace()
    for one in seconds:
        pace.read(one)
    return pace.prefetch


QUICK_ONES = [QUICK / 10] * RUN


def test_several_are_taken_once_a_run_of_images_was_quick() -> None:
    assert _after(*QUICK_ONES[1:]) == 1
    assert _after(*QUICK_ONES) == AHEAD


def test_the_longer_they_take_the_fewer_wait() -> None:
    assert _after(*[VERY_QUICK] * RUN) == _after(*QUICK_ONES, *[QUICK / 2] * RUN) == FEW
    assert _after(*[VERY_QUICK] * RUN, *QUICK_ONES) == _after(*QUICK_ONES, QUICK / 2) == AHEAD


def test_one_that_took_long_or_was_not_read_ends_the_run() -> None:
    assert _after(*QUICK_ONES, QUICK) == 1
    assert _after(*QUICK_ONES, None) == 1
    assert _after(*QUICK_ONES, QUICK, *QUICK_ONES[1:]) == 1
    assert _after(*QUICK_ONES, QUICK, *QUICK_ONES) == AHEAD


def test_large_messages_are_taken_one_at_a_time() -> None:
    pace = Pace()
    for seconds in QUICK_ONES:
        pace.came(LARGE)
        pace.read(seconds)
    assert pace.prefetch == AHEAD
    pace.came(LARGE + 1)
    assert pace.prefetch == 1


def test_after_a_pause_nothing_is_known() -> None:
    pace = Pace()
    for seconds in QUICK_ONES:
        pace.read(seconds)
    pace.forget()
    assert pace.prefetch == 1
