"""How often an image has ended a process, and how long to wait before the next process. Pure."""

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000
"""Images that are remembered; beyond it the oldest is forgotten, and has all its attempts again."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0


class Attempts:
    """Counts the deaths of processes by the image that they were reading."""

    def __init__(self, max_attempts: int) -> None:
        self._max_attempts = max_attempts
        self._deaths: OrderedDict[str, int] = OrderedDict()

    def died_of(self, image_id: str) -> int:
        """A process has died while reading this image; returns how many have by now."""
        deaths = self._deaths.pop(image_id, 0) + 1
        self._deaths[image_id] = deaths
        if len(self._deaths) > REMEMBERED:
            self._deaths.popitem(last=False)
        return deaths

    def may_read(self, image_id: str) -> bool:
        """False once the image has ended as many processes as it may."""
        return self._deaths.get(image_id, 0) < self._max_attempts


class Backoff:
    """Seconds to wait before a slot gets its next process: none as long as each process has read something."""

    def __init__(self) -> None:
        self._wait = 0.0

    def after(self, *, has_read: bool) -> float:
        """The process has ended; `has_read` tells whether it got as far as an image."""
        self._wait = 0.0 if has_read else min(max(2 * self._wait, FIRST_WAIT), LONGEST_WAIT)
        return self._wait
