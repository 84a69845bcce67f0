"""How many images a client may send in a minute: a token bucket. Pure: the time comes in."""

from typing import Final

MINUTE: Final = 60.0  # seconds
BURST: Final = 6
"""A client that was quiet may send a sixth of its minute, 10 seconds' worth, at once."""

_TOLERANCE: Final = 1e-6  # seconds: sums of floats are a little off, and who waited as told is not told to wait again


class RateLimit:
    """One client's bucket. images_per_minute: 0 is no limit.

    Kept as the time at which it will be full again (ITU-T I.371, generic cell rate algorithm): one number, no timer.
    """

    def __init__(self, images_per_minute: int) -> None:
        self._interval = MINUTE / images_per_minute if images_per_minute else 0.0
        self._slack = self._interval * (max(1, images_per_minute // BURST) - 1)
        self._full_at = float("-inf")

    def take(self, now: float) -> float:
        """Take one image's worth; returns 0.0, or the seconds until there is one, and then nothing is taken.

        now: seconds of a clock that never goes back, as time.monotonic.
        """
        starts = max(self._full_at, now)
        wait = starts - now - self._slack
        if wait > _TOLERANCE:
            return wait
        self._full_at = starts + self._interval
        return 0.0
