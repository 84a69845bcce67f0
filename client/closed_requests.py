"""Requests of v2 that are over: what comes for them is a repeat, and what to tell the gateway of them. Pure."""

from typing import Final

MOST_REMEMBERED: Final = 2_000
"""How many are remembered. A repeat comes of something that was in flight, and that is at most half as many."""


class ClosedRequests:
    """The RequestIds of closed requests. A final answer is told as Received when the program has it, not before."""

    def __init__(self) -> None:
        self._is_kept: dict[str, bool] = {}  # True: the gateway still keeps the answer for us. The oldest come first.
        self._to_tell: dict[str, None] = {}  # a set that keeps the order

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._is_kept

    def answered(self, request_id: str) -> None:
        """The final answer is here, but not yet with the program."""
        self._add(request_id, is_kept=True)

    def given_up(self, request_id: str) -> None:
        """The program waits no longer, and the gateway has said nothing final."""
        self._add(request_id, is_kept=False)

    def _add(self, request_id: str, *, is_kept: bool) -> None:
        self._is_kept[request_id] = is_kept
        if len(self._is_kept) > MOST_REMEMBERED:
            del self._is_kept[next(iter(self._is_kept))]

    def taken(self, request_id: str) -> None:
        """The program has the answer, which may be one of our own."""
        if self._is_kept.get(request_id):
            self._is_kept[request_id] = False
            self._to_tell[request_id] = None

    def repeated(self, request_id: str) -> None:
        """A final answer came that nobody waits for: it is told (again), or the gateway would keep it."""
        if request_id and not self._is_kept.get(request_id):
            self._to_tell[request_id] = None

    def to_tell(self) -> list[str]:
        """What to tell the gateway now; told once."""
        told, self._to_tell = list(self._to_tell), {}
        return told
