"""What is cancelled: a bounded memory of what gateways have said. Pure.

Images are cancelled as of a moment: those that the client sends when it comes back afterwards are read.
"""

from typing import Final

from protocol.bodies import Addressee
from protocol.control import Cancelled

REMEMBERED: Final = 10_000
"""Cancellations that are remembered; beyond it the oldest is forgotten, and what it covers is read for nobody."""


class Cancellations:
    """Written and read by different threads: each step is a single operation on a dict."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str | None], float] = {}

    def add(self, cancelled: Cancelled, at: float) -> None:
        """A gateway has cancelled a client's images up to `at` (seconds since 1970), or one request of it."""
        request_id = cancelled.request_id if isinstance(cancelled.request_id, str) else None
        key = (cancelled.client_uuid, request_id)
        # Taken out first: the newest goes to the end. A late one with an earlier moment takes nothing back.
        self._until[key] = max(at, self._until.pop(key, at))
        if len(self._until) > REMEMBERED:
            del self._until[next(iter(self._until))]

    def cover(self, to: Addressee, sent_at: float | None) -> bool:
        """True when the image is cancelled. sent_at: seconds since 1970; None when the message does not tell."""
        keys = [(to.client_uuid, None)] + ([(to.client_uuid, to.request_id)] if to.request_id else [])
        moments = [self._until[key] for key in keys if key in self._until]
        return bool(moments) and (sent_at is None or sent_at <= max(moments))
