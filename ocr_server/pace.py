"""How many images a process takes ahead: several while they are quick, one otherwise. Pure.

Taken ahead, a quick image never waits for the broker; behind one that takes long it would wait while another process
is idle.
"""

from typing import Final

AHEAD: Final = 12
"""Images that a process has of the broker at a time while they are quick: those that it reads in the time that an
answer's confirm, the acknowledgement and the next delivery take on a busy machine."""

QUICK: Final = 0.05
"""Seconds. What takes longer keeps nobody waiting: the images behind it go back to the queue."""

RUN: Final = 8
"""Quick images in a row until more than one is taken: single words among pages change nothing."""

LARGE: Final = 1024 * 1024
"""Bytes of a message. Larger ones are taken one at a time, however quick they are: they would wait in memory."""


class Pace:
    """What the last images were like."""

    def __init__(self) -> None:
        self._run = 0

    @property
    def prefetch(self) -> int:
        """How many images to have of the broker at a time."""
        return AHEAD if self._run >= RUN else 1

    def came(self, size: int) -> None:
        """A message of `size` bytes has come."""
        if size > LARGE:
            self._run = 0

    def read(self, seconds: float | None) -> None:
        """An image was read in so many seconds; None: it was not read."""
        self._run = self._run + 1 if seconds is not None and seconds < QUICK else 0

    def forget(self) -> None:
        """Nothing is known of what comes next."""
        self._run = 0
