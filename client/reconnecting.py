"""When to try again to reach a gateway. Pure: the time and the chance are arguments."""

import random
from collections.abc import Callable
from typing import Final

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between tries: doubled with each that fails, up to the longest."""

_MOST_DOUBLINGS: Final = 10


class Backoff:
    """The pauses between tries, each up to a half shorter by chance: a gateway's clients shall not all come at once.

    longest: in seconds. chance: gives a number from 0 to 1.
    """

    def __init__(self, longest: float = LONGEST_PAUSE, chance: Callable[[], float] = random.random) -> None:
        self._longest = longest
        self._chance = chance
        self._failures = 0
        self._not_before = 0.0

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """A connection did not come about, or broke. retry_after: what the gateway itself asks for, in seconds."""
        pause = min(FIRST_PAUSE * 2.0**self._failures, self._longest) * (1 - self._chance() / 2)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        self._not_before = now + max(pause, retry_after or 0.0)

    def worked(self) -> None:
        """The gateway does what it is for. A connection alone is no proof: it may break each time."""
        self._failures = 0

    def seconds_left(self, now: float) -> float:
        """Seconds until the next try; never below 0."""
        return max(0.0, self._not_before - now)
