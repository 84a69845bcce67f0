"""Work for the AMQP thread, and how often that is woken for it."""

import pytest

from ocr_server.handover import TOGETHER, Handover


class Thread:
    """Stands in for the AMQP thread: counts how often it is woken."""

    def __init__(self) -> None:
        self.wakes = 0
        self.done: list[int] = []
        self.handover = Handover()
        self.handover.wake_by(self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    def give(self, number: int, *, is_urgent: bool) -> None:
        self.handover.give(lambda: self.done.append(number), is_urgent=is_urgent)


@pytest.fixture
def thread() -> Thread:
    return Thread()


def test_urgent_work_wakes_once_and_is_done_in_its_order(thread: Thread) -> None:
    for number in range(3):
        thread.give(number, is_urgent=True)
    assert thread.wakes == 1
    thread.handover.work_off()
    assert thread.done == [0, 1, 2]
    thread.give(3, is_urgent=True)
    assert thread.wakes == 2


def test_other_work_wakes_when_some_has_gathered_or_with_the_first_that_is_urgent(thread: Thread) -> None:
    for number in range(TOGETHER - 1):
        thread.give(number, is_urgent=False)
    assert thread.wakes == 0
    thread.give(TOGETHER, is_urgent=False)
    assert thread.wakes == 1
    thread.handover.work_off()
    thread.give(0, is_urgent=False)
    assert thread.wakes == 1
    thread.give(1, is_urgent=True)
    assert thread.wakes == 2


def test_what_is_given_while_nobody_can_be_woken_is_kept(thread: Thread) -> None:
    thread.handover.wake_by(None)
    thread.give(1, is_urgent=True)
    assert (thread.wakes, thread.done) == (0, [])
    thread.handover.work_off()
    assert thread.done == [1]
