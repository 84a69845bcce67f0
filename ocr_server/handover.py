"""How other threads give work to the AMQP thread, waking it as seldom as can be."""

import collections
from collections.abc import Callable
from typing import Final

TOGETHER: Final = 8
"""Pieces of work that wake the AMQP thread though none of them is urgent."""


class Handover:
    """Work for the AMQP thread, done in the order in which it was given.

    Each wake-up is a system call, a switch of threads and a turn of the loop; and what goes out together is cheaper for
    the broker and for the gateway too.
    """

    def __init__(self) -> None:
        self._work: collections.deque[Callable[[], None]] = collections.deque()
        self._wake: Callable[[], None] | None = None
        self._is_woken = False

    def wake_by(self, wake: Callable[[], None] | None) -> None:
        """What has the AMQP thread call `work_off`, from any thread; None: nothing, for as long as it waits."""
        self._wake, self._is_woken = wake, False

    def give(self, work: Callable[[], None], *, is_urgent: bool) -> None:
        """Have it done at once, or with what follows within moments. For any thread."""
        self._work.append(work)
        wake = self._wake  # once: it may be None a moment later
        if wake and (is_urgent or len(self._work) >= TOGETHER) and not self._is_woken:
            self._is_woken = True
            wake()

    def work_off(self) -> None:
        """Do what there is. For the AMQP thread; to be called now and then too, for what is not urgent."""
        self._is_woken = False  # first: what is given from here on may come too late for this round
        while self._work:
            self._work.popleft()()
