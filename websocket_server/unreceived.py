"""Answers that were sent and are not yet Received, the oldest first, and which of them are to be put away. Pure."""

from collections import OrderedDict
from typing import Final

from .actions import Delivery

PUT_AWAY_AFTER: Final = 30.0
"""Seconds that a client has to say Received (PROTOCOL.md, "Held answers")."""

MOST: Final = 1000
MOST_BYTES: Final = 64 * 1024 * 1024
"""Over either bound the oldest are put away before their time: they stand in the way of others' answers."""


class Unreceived:
    """The answers of the result queue that the broker still keeps for us."""

    def __init__(self) -> None:
        self._since: OrderedDict[Delivery, tuple[float, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._since)

    def add(self, delivery: Delivery, size: int, now: float) -> None:
        """An answer was sent, or is about to be. size: in bytes."""
        self._since[delivery] = (now, size)
        self._bytes += size

    def discard(self, delivery: Delivery) -> None:
        """It is settled, or will be."""
        found = self._since.pop(delivery, None)
        if found is not None:
            self._bytes -= found[1]

    def due(self, now: float) -> list[Delivery]:
        """Those to be put away now; they are not named again. Ones that a lost connection took with it go as well."""
        found = []
        while self._since:
            delivery, (since, _) = next(iter(self._since.items()))
            is_over = len(self._since) > MOST or self._bytes > MOST_BYTES
            if delivery.is_live and not is_over and now < since + PUT_AWAY_AFTER:
                break
            self.discard(delivery)
            found.append(delivery)
        return found
