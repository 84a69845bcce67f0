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


class _Leaving(Handover):
    """Its AMQP thread loses its connection just when somebody is about to wake it."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "_is_woken" and value:
            self.wake_by(None)


def test_work_that_is_given_just_when_the_connection_is_lost_is_kept() -> None:
    handover, done = _Leaving(), list[int]()
    handover.wake_by(lambda: None)
    handover.give(lambda: done.append(1), is_urgent=True)
    handover.work_off()
    assert done == [1]


def test_what_is_given_while_nobody_can_be_woken_is_kept(thread: Thread) -> None:
    thread.handover.wake_by(None)
    thread.give(1, is_urgent=True)
    assert (thread.wakes, thread.done) == (0, [])
    thread.handover.work_off()
    assert thread.done == [1]
