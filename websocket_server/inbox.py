"""What has come by a connection and is not handed over yet: part of a frame, fragments, messages that wait."""

import asyncio
from collections import deque
from typing import Final, Protocol

from .memory import Memory

FRAMES_READ_AHEAD: Final = 2  # each may be as large as `max_size`
AT_A_TIME: Final = 32
"""Messages of one connection that are handled before others have their turn."""

MOST_FRAGMENTS: Final = 4096  # of one message


class Owner(Protocol):
    """Who is called back."""

    @property
    def may_take(self) -> bool:
        """False while no message is to be handed over: the peer waits for too much, or does not read."""

    def take(self, message: bytes) -> None:
        """A whole message has come. Does not raise."""

    def taken(self) -> None:
        """The peer has taken so much of what it was sent that it may be sent more."""


class Inbox:
    """One for each connection; it hands messages to the owner in their order, and reads no further when many wait.

    memory: where what is not handed over is counted. line: what is read no further. Until there is an owner, messages
    wait.
    """

    __slots__ = (
        *("_backlog", "_fragments", "_has_ended", "_is_going_on", "_is_held", "_line", "_loop", "_memory"),
        *("_partial", "_queued", "_taken", "owner"),
    )

    def __init__(self, memory: Memory, line: asyncio.ReadTransport, loop: asyncio.AbstractEventLoop) -> None:
        self._memory = memory
        self._line = line
        self._loop = loop
        self._partial = self._queued = 0  # bytes of the frame that is arriving; of messages that are not handed over
        self._fragments: list[bytes] | None = None  # of a message whose end has not come
        self._backlog: deque[bytes] | None = None  # messages that wait; None when there are none
        self._taken = 0  # messages handed over in one go
        self._is_going_on = self._is_held = self._has_ended = False
        self.owner: Owner | None = None

    def arriving(self, size: int) -> bool:
        """So many bytes have been read; False when there is no memory for more, and this connection has much of it."""
        self._taken = 0
        self._partial += size
        self._memory.take(size)
        return not self._memory.is_exhausted or self._partial + self._queued <= self._memory.most // 100

    def frame_ended(self) -> None:
        """What was read until now is a whole frame; its content comes with `add`, if it has any."""
        self._memory.give_back(self._partial)
        self._partial = 0

    def add(self, content: bytes, *, is_last: bool) -> bool:
        """A message, or a fragment of one; False when it has too many: then neither it nor what follows is taken."""
        if is_last and self._fragments is None:
            self._hand_over(content)
            return True
        fragments = self._fragments = self._fragments or []
        if len(fragments) >= MOST_FRAGMENTS:
            return False
        fragments.append(content)
        self._queue(len(content))
        if is_last:
            self._fragments = None
            message = b"".join(fragments)
            self._queue(-len(message))
            self._hand_over(message)
        return True

    def _queue(self, size: int) -> None:
        self._queued += size
        self._memory.take(size)

    def _hand_over(self, message: bytes) -> None:
        owner = self.owner
        if owner is not None and self._backlog is None and self._taken < AT_A_TIME and owner.may_take:
            self._taken += 1
            owner.take(message)
            return
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(message)
        self._queue(len(message))
        if len(self._backlog) > FRAMES_READ_AHEAD and not self._is_held and not self._line.is_closing():
            self._is_held = True
            self._line.pause_reading()
        self.go_on()

    def go_on(self) -> None:
        """Something has changed: messages that wait are handed over soon, if they may be."""
        if self._backlog is not None and self.owner is not None and not self._is_going_on and self.owner.may_take:
            self._is_going_on = True
            self._loop.call_soon(self.go_on_now)

    def go_on_now(self) -> None:
        """Hand over what waits, as far as it may be."""
        self._is_going_on = False
        self._taken = 0
        owner = self.owner
        while owner is not None and self._backlog is not None and (self._has_ended or owner.may_take):
            if self._taken >= AT_A_TIME and not self._has_ended:
                self.go_on()
                return
            self._taken += 1
            message = self._backlog.popleft()
            self._queue(-len(message))
            if not self._backlog:
                self._backlog = None
            owner.take(message)
        if self._backlog is None and self._is_held and not self._line.is_closing():
            self._is_held = False
            self._line.resume_reading()

    def end(self) -> None:
        """The connection is lost. What has come before counts: it is handed over now."""
        self._has_ended = True
        self.go_on_now()
        self._memory.give_back(self._partial + self._queued)
        self._partial = self._queued = 0
        self.owner = self._fragments = self._backlog = None
