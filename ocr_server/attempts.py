"""How often an image has ended a process, how long to wait before the next one, and for a silent one. Pure."""

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000
"""Images that are remembered; beyond it the oldest is forgotten, and has all its attempts again."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0

ASK_EVERY: Final = 5.0
LONGEST_SILENCE: Final = 20.0
"""Seconds without an answer until a process counts as stopped. Reading does not keep it from answering; a machine that
swaps may."""

LONGEST_START: Final = 60.0
"""Seconds that a process may load until it is heard of first: on a busy machine that is slow."""

LONGEST_LOOK: Final = 1.0
"""Seconds. More between two looks, and it was the supervisor that did not run: that is held against nobody."""


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


class Silence:
    """How long a process has not answered, counted while somebody looks. Its start is the first question to it."""

    def __init__(self) -> None:
        self._looked_at: float | None = None
        self._since_asked = 0.0
        self._is_asked = True
        self._longest = LONGEST_START

    def look(self, now: float) -> bool:
        """Time has passed; returns whether to ask the process now. now: seconds of any clock."""
        passed = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        self._since_asked += min(passed, LONGEST_LOOK)
        if self._is_asked or self._since_asked < ASK_EVERY:
            return False
        self._since_asked, self._is_asked = 0.0, True
        return True

    def broken(self) -> None:
        """The process has answered, or has said that it has started."""
        self._is_asked, self._longest = False, LONGEST_SILENCE

    @property
    def is_too_long(self) -> bool:
        """True when the process has not answered for so long that it must be stopped."""
        return self._is_asked and self._since_asked >= self._longest
