"""Looks at every connection when it is time to: pings, idleness, peers that take nothing. One timer for all."""

import asyncio
import heapq
import itertools
from typing import Any, Final

from .connection import Connection

AT_A_TIME: Final = 50
"""Connections that are looked at before others have their turn."""

Place = list[Any]
"""When a connection is looked at next, a number that keeps connections from being compared, and the connection, or None
when it is gone."""


class Watch:
    """One for each gateway. idle_timeout: seconds until a connection without anything is closed."""

    def __init__(self, idle_timeout: float) -> None:
        self._idle_timeout = idle_timeout
        self._loop = asyncio.get_running_loop()
        self._due: list[Place] = []  # a heap
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> Place:
        """Look at this connection from now on, until it is removed from this place."""
        place: Place = [self._loop.time(), next(self._numbers), connection]
        self._put(place, connection)
        self._wind()
        return place

    def remove(self, place: Place) -> None:
        """The connection is gone. Its place is found empty later: to look for it in the heap would take longer."""
        place[2] = None

    def _put(self, place: Place, connection: Connection) -> None:
        # A timer for each, or moving this one at each frame, would cost more than looking once more.
        due = connection.look(place[0], self._idle_timeout)
        if due is not None:
            place[0] = due
            heapq.heappush(self._due, place)

    def _wind(self) -> None:
        if not self._due:
            return
        due = self._due[0][0]
        if self._timer is None or due < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        try:
            for _ in range(AT_A_TIME):
                if not self._due or self._due[0][0] > now:
                    break
                place = heapq.heappop(self._due)
                if place[2] is not None:
                    place[0] = now
                    self._put(place, place[2])
        finally:  # a mistake about one connection, which the event loop reports, does not leave all others unwatched
            self._wind()
