"""One client's connection: its session, what waits to be sent, whether it is idle, its end."""

import asyncio
import contextlib
import dataclasses
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from protocol import messages_v2 as v2
from protocol.messages import Response, encode
from settings.event_log import ids

from .actions import Send
from .close_codes import IDLE
from .door import ANYBODY
from .session import Session
from .session_v2 import SessionV2
from .transport import Transport

if TYPE_CHECKING:
    from .registry import Client

log = logging.getLogger("WebSocket server")

PING_INTERVAL: Final = 20.0

SEND_TIMEOUT: Final = 60.0
"""Seconds until a client that does not take what it is sent is cut off."""

LAST_WORDS_TIMEOUT: Final = 2.0
"""Seconds that a client has to take what waits for it before its connection is closed."""

OUTBOX_BYTES: Final = 64 * 1024 * 1024
OUTBOX_PATIENCE: Final = 10.0
"""A client that lets more wait for it, and has taken no message for so many seconds, is cut off before SEND_TIMEOUT. A
v2 client finds its answers again."""

FLUSH_AT: Final = 64 * 1024
"""Bytes that are sent at once; less is sent together with what else is posted in the same turn of the event loop."""

KEPT_ENCODED: Final = 1024 * 1024
"""Bytes of encoded messages that wait; others are encoded once more when their turn comes."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Waiting:
    send: Send
    size: int  # bytes of its frame
    frame: bytes | None  # None: encoded once more when its turn comes


class Connection:
    """One client's connection: its transport, its session, and the messages that wait to go out.

    on_message: called with this connection and each message that comes. bearer: the token of the handshake, "" when
    there was none.
    """

    __slots__ = (
        "_changed",
        "_closing",
        "_is_text",
        "_on_message",
        "_outbox",
        "_outbox_bytes",
        "_ping_at",
        "_unflushed",
        "_written",
        "bearer",
        "client",
        "grant",
        "is_replaced",
        "last_answer",
        "max_in_flight",
        "session",
        "transport",
        "waits_until",
    )

    def __init__(
        self,
        transport: Transport,
        session: Session | SessionV2,
        on_message: Callable[["Connection", bytes], None],
        max_in_flight: int,
        bearer: str = "",
    ) -> None:
        self.transport = transport
        self.session = session
        self._on_message = on_message
        self.max_in_flight = max_in_flight
        self.bearer = bearer
        self.grant = ANYBODY
        self.client: Client[Connection] | None = None  # from its hello on
        self.is_replaced = False
        self.last_answer = 0.0
        self.waits_until = 0.0  # it may wait for what this gateway does not know of, until then
        self._is_text = not (isinstance(session, SessionV2) and session.codec.is_binary)
        self._outbox: deque[_Waiting] | None = None  # None when there is nothing: most connections, most of the time
        self._outbox_bytes = 0
        self._written: list[Send] | None = None  # not flushed yet, or not taken: what has filled the line
        self._unflushed = 0  # bytes
        self._ping_at = transport.loop.time() + PING_INTERVAL
        self._changed: asyncio.Event | None = None  # None while nobody waits
        self._closing: asyncio.Task[None] | None = None

    # What comes

    def take(self, message: bytes) -> None:
        """A message has come; called by the transport."""
        if not self.is_replaced:
            self._on_message(self, message)

    @property
    def may_take(self) -> bool:
        """False while too many images and messages are under way here.

        A v2 client is told when it has too many images; only what it does not read holds it back.
        """
        if isinstance(self.session, SessionV2):
            return self._waiting < 4 * self.max_in_flight
        return self.under_way < self.max_in_flight

    # What goes

    def post(self, sends: Iterable[Send]) -> None:
        """Send messages in this order, without waiting for the client to take them."""
        for send in sends:
            if self._outbox is None and self.transport.can_write:
                self._write(*self._encode(send))
            else:
                self._queue(*self._encode(send))

    def _write(self, send: Send, frame: bytes) -> None:
        self.transport.write(frame, is_text=self._is_text)
        if self._written is None:
            self._written = []
            self.transport.loop.call_soon(self._flush)
        self._written.append(send)
        self._unflushed += len(frame)
        if self._unflushed > FLUSH_AT:
            self._flush()

    def _flush(self) -> None:
        """Send together what was posted since the event loop's last turn."""
        self._unflushed = 0
        if self._written is not None and self.transport.flush():
            self._have_sent()

    def _have_sent(self) -> None:
        written, self._written = self._written, None
        for send in written or ():
            self._sent(send)
        self.changed()

    def _queue(self, send: Send, frame: bytes) -> None:
        if self._outbox is None:
            self._outbox = deque()
        self._outbox_bytes += len(frame)
        self._outbox.append(_Waiting(send, len(frame), frame if self._outbox_bytes <= KEPT_ENCODED else None))
        full_since = self.transport.full_since
        is_too_much = full_since and self._outbox_bytes > OUTBOX_BYTES
        if is_too_much and self.transport.loop.time() > full_since + OUTBOX_PATIENCE:
            self._cut_off("lets its answers pile up")

    def taken(self) -> None:
        """The client has taken what it was sent, and may be sent more; called by the transport."""
        self._have_sent()
        while self._outbox is not None and self.transport.can_write:
            first = self._outbox.popleft()
            self._outbox_bytes -= first.size
            if not self._outbox:
                self._outbox = None
            if first.frame is None:
                self._write(*self._encode(first.send))
            else:
                self._write(first.send, first.frame)

    def _encode(self, send: Send) -> tuple[Send, bytes]:
        """The frame, and what it says: something else where the codec has no form for it."""
        message = send.message
        if isinstance(self.session, SessionV2):
            assert isinstance(message, v2.Welcome | v2.Progress | v2.Success | v2.Failure)
            try:
                return send, self.session.codec.encode(message)
            except (OverflowError, TypeError, ValueError) as error:
                # Outputs of an OCR server from elsewhere, such as a number of more than 64 bits.
                assert isinstance(message, v2.Success)
                failed = v2.cannot_be_written(message, error)
                return dataclasses.replace(send, message=failed), self.session.codec.encode(failed)
        assert not isinstance(message, v2.Welcome | v2.Progress | v2.Success | v2.Failure)
        return send, encode(message)

    def _sent(self, sent: Send) -> None:
        message = sent.message
        is_final = isinstance(message, v2.Success | v2.Failure) or (isinstance(message, Response) and message.is_final)
        if is_final and sent.message_id is not None:
            self._log_delivered(message, sent.message_id)

    def _log_delivered(self, message: Any, message_id: str) -> None:
        self.last_answer = self.transport.loop.time()
        request_id = {} if isinstance(message, Response) else {"request_id": message.request_id}
        log.info(
            f"result delivered: {message.response_message} for {message.image_file_name} to {self.session.client_uuid}",
            extra=self.ids(image_file_name=message.image_file_name, message_id=message_id, **request_id),
        )

    # What others ask

    @property
    def _waiting(self) -> int:
        return len(self._written or ()) + len(self._outbox or ())

    @property
    def under_way(self) -> int:
        """How many images and messages the client still waits for."""
        return self.session.in_flight + self._waiting

    @property
    def unreceived(self) -> int:
        """How many answers the client has not said Received for; none on v1."""
        return self.session.unreceived if isinstance(self.session, SessionV2) else 0

    @property
    def unsent(self) -> list[Any]:
        """The messages that wait to go out."""
        return [send.message for send in (*(self._written or ()), *(one.send for one in self._outbox or ()))]

    def ids(self, **more: Any) -> dict[str, Any]:
        """The `extra` of a log call about this client."""
        return ids(client_uuid=self.session.client_uuid, **more)

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds` after something has changed here, or the connection is lost."""
        if self._changed is None:
            self._changed = asyncio.Event()
        while not holds() and not self.transport.is_lost:
            self._changed.clear()
            await self._changed.wait()

    def changed(self) -> None:
        """Something has been sent, or a message has been acted on, or the connection is lost."""
        if self._changed is not None:
            self._changed.set()
        self.transport.go_on()

    # Time, and the end

    def look(self, now: float, idle_timeout: float) -> float | None:
        """Ping when it is time for that, and end what is idle or takes nothing.

        Returns when to look again, at the latest; None when there is no need to.
        """
        full_since = self.transport.full_since
        if full_since and now >= full_since + SEND_TIMEOUT:
            self._cut_off("takes no answers")
            return None
        since = max(self.transport.last_data, self.last_answer)
        idle_at = (now if self.under_way or now < self.waits_until else since) + idle_timeout
        if now >= idle_at:
            self.close(IDLE, f"idle: nothing was sent for {idle_timeout:g} s")
            return None
        if now >= self._ping_at:
            self.transport.say_ping()
            self._ping_at = now + PING_INTERVAL
        return min(idle_at, self._ping_at, full_since + SEND_TIMEOUT if full_since else idle_at)

    def close(self, code: int, reason: str) -> None:
        """Say what waits to be said, then end the connection; does not wait for that. Safe to call twice."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason))

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_TIMEOUT):
                await self.wait_until(lambda: not self._waiting)
        await self.transport.close(code, reason)

    def _cut_off(self, why: str) -> None:
        log.warning(f"client {self.session.client_uuid} {why}; it is cut off", extra=self.ids())
        self.transport.transport.abort()
