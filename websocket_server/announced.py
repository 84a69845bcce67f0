"""What the OCR servers of the broker can do, from what they announce. Pure."""

from collections.abc import Callable, Iterable
from typing import Final

from protocol.control import ANNOUNCE_EVERY, Announcement

FORGOTTEN_AFTER: Final = 3.5 * ANNOUNCE_EVERY
MOST_SERVERS: Final = 10_000


class Announced:
    """The OCR servers that have been heard of lately."""

    def __init__(self) -> None:
        self._servers: dict[str, tuple[Announcement, float]] = {}

    def hear(self, announcement: Announcement, now: float) -> None:
        """A server has announced itself."""
        self._servers.pop(announcement.server, None)
        if len(self._servers) < MOST_SERVERS:
            self._servers[announcement.server] = (announcement, now)

    def languages(self, now: float) -> tuple[str, ...]:
        """The languages that any of them reads, without repeats."""
        return self._all(now, lambda one: one.languages)

    def outputs(self, now: float) -> tuple[str, ...]:
        """The outputs that any of them makes, without repeats."""
        return self._all(now, lambda one: one.outputs)

    def _all(self, now: float, words: Callable[[Announcement], Iterable[str]]) -> tuple[str, ...]:
        self._servers = {name: heard for name, heard in self._servers.items() if now - heard[1] <= FORGOTTEN_AFTER}
        return tuple(dict.fromkeys(word for one, _ in self._servers.values() for word in words(one)))
