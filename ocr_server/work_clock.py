"""How much work an image is: by the processor's clock, so that it is no more of it on a busy machine.

By the clock on the wall a word takes as long as a page while others have the processor; the images behind it would go
back to the broker, and the machine would be busier still.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

Clock = Callable[[], float]
"""Seconds from any beginning, for any thread to ask."""

WAITING: Final = 10
"""So many seconds on the wall count as one of work: who waits for a disk or for memory keeps others waiting too."""


def of_main_thread() -> Clock:
    """Seconds for which the main thread has had a processor, where the system tells that to other threads (Linux)."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    ident = threading.main_thread().ident
    assert ident is not None
    clock = time.pthread_getcpuclockid(ident)
    return lambda: time.clock_gettime(clock)


class Stretch:
    """Work from now on. clock: of the thread that does it, or time.monotonic where another process does."""

    def __init__(self, clock: Clock, wall: Clock = time.monotonic) -> None:
        self._clock, self._wall = clock, wall
        self._begun, self._begun_on_wall = clock(), wall()

    def seconds(self) -> float:
        """How much there has been of it."""
        return max(self._clock() - self._begun, (self._wall() - self._begun_on_wall) / WAITING)
