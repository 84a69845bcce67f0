"""How many images a process takes ahead: several while they are quick, one otherwise. Pure.

Taken ahead, a quick image never waits for the broker; behind one that takes long it would wait while another process
is idle.
"""

import collections
from typing import Final

AHEAD: Final = 16
"""Images that a process has of the broker at a time while they are very quick: those that it reads in the time that an
answer's confirm, the acknowledgement and the next delivery take on a busy machine."""

FEW: Final = 3
"""The same while they are quick: one is read, one waits, one's answer is on its way."""

VERY_QUICK: Final = 0.015  # seconds, the mean of a run
QUICK: Final = 0.05
"""Seconds. What takes longer keeps nobody waiting: the images behind it go back to the queue."""

RUN: Final = 8
"""Quick images in a row until more than one is taken: single words among pages change nothing."""

LARGE: Final = 1024 * 1024
"""Bytes of a message. Larger ones are taken one at a time, however quick they are: they would wait in memory."""


class Pace:
    """What the last images were like. Told by different threads: each step is a single operation on a deque."""

    def __init__(self) -> None:
        self._seconds: collections.deque[float] = collections.deque(maxlen=RUN)  # of the quick ones since a slow one

    @property
    def prefetch(self) -> int:
        """How many images to have of the broker at a time."""
        run = self._seconds.copy()
        if len(run) < RUN:
            return 1
        return AHEAD if sum(run) / RUN < VERY_QUICK else FEW

    def came(self, size: int) -> None:
        """A message of `size` bytes has come."""
        if size > LARGE:
            self.forget()

    def read(self, seconds: float | None) -> None:
        """An image was read in so many seconds; None: it was not read."""
        if seconds is None or seconds >= QUICK:
            self.forget()
        else:
            self._seconds.append(seconds)

    def forget(self) -> None:
        """Nothing is known of what comes next."""
        self._seconds.clear()
