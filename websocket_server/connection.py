"""One WebSocket connection: what waits to be sent, who is idle, who has gone.

`Transport` is websockets' own connection, `Connection` one client on it. Only this module and `gateway` use websockets.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from protocol.messages import Response, encode
from settings.event_log import ids

from .session import Greet, Send, Session

log = logging.getLogger("WebSocket server")

IDLE: Final = 4000
SEND_TIMEOUT: Final = 60.0
"""Seconds until a client that does not take what it is sent is cut off."""

_CONTROL_FRAME_BYTES: Final = 16  # a pong that answers our ping has 10 bytes, and is no sign of a client at work


class Transport(ServerConnection):
    """websockets' connection; it also tells when data last came, that it is lost, and which limit a frame broke."""

    def __init__(self, max_image_bytes: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_data = self.loop.time()
        self.is_lost = False
        self.changed = asyncio.Event()
        fail = self.protocol.fail

        def fail_naming_the_limit(code: CloseCode | int, reason: str = "") -> None:
            if code == CloseCode.MESSAGE_TOO_BIG:
                reason = f"frame too large: the limit is {max_image_bytes} bytes for an image"
            fail(code, reason)

        self.protocol.fail = fail_naming_the_limit  # type: ignore[method-assign]

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with what has arrived."""
        # A large frame on a slow line takes longer than idle_timeout: whoever is sending it is not idle.
        if len(data) > _CONTROL_FRAME_BYTES:
            self.last_data = self.loop.time()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio once, at the end."""
        self.is_lost = True
        self.changed.set()
        super().connection_lost(exc)

    @property
    def told(self) -> tuple[int | None, str]:
        """Close code and reason, the other side's or, when it went without one, ours; None while it is open."""
        ours = self.protocol.close_sent
        if self.protocol.close_rcvd is None and ours is not None:
            return ours.code, ours.reason
        return self.close_code, self.close_reason or ""

    def find_dead_peers(self) -> None:
        """Let TCP notice within about a minute that the peer has gone without a word (tcp(7))."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        options = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}
        for name, value in options.items():
            if hasattr(socket, name):  # not every system has every option
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Connection:
    """One client: its transport, its session, and the messages that wait to go out."""

    def __init__(self, transport: Transport, session: Session) -> None:
        self.transport = transport
        self.session = session
        self.last_answer = 0.0
        self._outbox: deque[Greet | Send] = deque()
        self._sender: asyncio.Task[None] | None = None

    def post(self, messages: Iterable[Greet | Send]) -> None:
        """Send messages in this order, without waiting for the client to take them."""
        self._outbox.extend(messages)
        # A task only while there is something to send: ten thousand idle connections need none.
        if self._outbox and (self._sender is None or self._sender.done()):
            self._sender = asyncio.create_task(self._send_all())

    async def room(self, most: int) -> None:
        """Wait until fewer than `most` images and messages are under way here, or the connection is lost."""
        while self.under_way >= most and not self.transport.is_lost:
            self.transport.changed.clear()
            await self.transport.changed.wait()

    @property
    def under_way(self) -> int:
        """How many images and messages the client still waits for."""
        return self.session.in_flight + len(self._outbox)

    def ids(self, **more: Any) -> dict[str, Any]:
        """The `extra` of a log call about this client."""
        return ids(client_uuid=self.session.client_uuid, **more)

    async def _send_all(self) -> None:
        try:
            while self._outbox:
                async with asyncio.timeout(SEND_TIMEOUT):
                    await self.transport.send(encode(self._outbox[0].message), text=True)
                self._sent(self._outbox.popleft())
        except ConnectionClosed:
            self._outbox.clear()  # whoever reads from this connection learns of it, and says so
        except TimeoutError:
            log.warning(f"client {self.session.client_uuid} takes no answers; it is cut off", extra=self.ids())
            self._outbox.clear()
            self.transport.transport.abort()
        self.transport.changed.set()

    def _sent(self, sent: Greet | Send) -> None:
        self.transport.changed.set()
        message = sent.message
        if isinstance(sent, Send) and isinstance(message, Response) and message.is_final and sent.message_id:
            self.last_answer = self.transport.loop.time()
            log.info(
                f"result delivered: {message.response_message} for {message.image_file_name} "
                f"to {self.session.client_uuid}",
                extra=self.ids(image_file_name=message.image_file_name, message_id=sent.message_id),
            )


class IdleTimer:
    """Closes a connection on which nothing is outstanding and nothing arrives for `idle_timeout` seconds."""

    def __init__(self, connection: Connection, idle_timeout: float) -> None:
        self._connection = connection
        self._idle_timeout = idle_timeout
        self._loop = asyncio.get_running_loop()
        self._closing: asyncio.Task[None] | None = None
        self._handle = self._loop.call_later(idle_timeout, self._look)

    def cancel(self) -> None:
        """The connection is gone."""
        self._handle.cancel()

    def _look(self) -> None:
        # One timer a connection, moved when it fires: moving it at each frame would cost more than looking again.
        connection = self._connection
        since = max(connection.transport.last_data, connection.last_answer)
        left = self._idle_timeout if connection.under_way else since + self._idle_timeout - self._loop.time()
        if left > 0:
            self._handle = self._loop.call_later(left, self._look)
            return
        reason = f"idle: nothing was sent for {self._idle_timeout:g} s"
        self._closing = self._loop.create_task(connection.transport.close(IDLE, reason))
