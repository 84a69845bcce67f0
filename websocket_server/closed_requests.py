"""The requests of one v2 client that are over: an answer that still comes for one is late, or a repeat. Pure."""

import dataclasses
from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 128
"""Received requests that are remembered for each client; a repeat of the answer to an older one is sent again."""

UNWANTED: Final = 4
"""Cancelled and refused requests that are remembered for each client, in multiples of max_in_flight and at least
REMEMBERED: each may still have a result on its way."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Unwanted:
    is_cancelled: bool  # else refused, and may be sent again
    connection: int  # the one on which that was said


class ClosedRequests:
    """The RequestIds that were Received, and those that nobody waits for any more. The oldest are forgotten first."""

    __slots__ = ("_most_unwanted", "_received", "_unwanted")

    def __init__(self, max_in_flight: int) -> None:
        self._received: OrderedDict[str, None] = OrderedDict()
        self._unwanted: OrderedDict[str, _Unwanted] = OrderedDict()
        self._most_unwanted = max(REMEMBERED, UNWANTED * max_in_flight)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._received or request_id in self._unwanted

    def __len__(self) -> int:
        return len(self._received) + len(self._unwanted)

    def is_cancelled(self, request_id: str) -> bool:
        """True for one that OCR servers skip as long as they remember it."""
        unwanted = self._unwanted.get(request_id)
        return unwanted is not None and unwanted.is_cancelled

    def was_told(self, request_id: str, connection: int) -> bool:
        """True when the client has its final answer, or was told on this connection (counted) that there is none."""
        unwanted = self._unwanted.get(request_id)
        return request_id in self._received or (unwanted is not None and unwanted.connection == connection)

    def received(self, request_id: str) -> None:
        """The client has the final answer."""
        self._received[request_id] = None
        if len(self._received) > REMEMBERED:
            self._received.popitem(last=False)

    def unwanted(self, request_id: str, connection: int, *, is_cancelled: bool, was_in_flight: bool) -> None:
        """The client is told, on this connection (counted), that the request is cancelled or refused."""
        self._unwanted.pop(request_id, None)
        if len(self._unwanted) >= self._most_unwanted:
            if not was_in_flight:
                return  # what a client makes up shall not push out what it had sent
            self._unwanted.popitem(last=False)
        self._unwanted[request_id] = _Unwanted(is_cancelled, connection)

    def opened(self, request_id: str) -> None:
        """The client has sent it once more."""
        self._received.pop(request_id, None)
        self._unwanted.pop(request_id, None)
