"""One WebSocket connection: what waits to be sent, who is idle, who has gone.

`Transport` is websockets' own connection, `Connection` one client on it. Only this module and `gateway` use websockets.
"""

import asyncio
import dataclasses
import logging
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import State

from protocol import messages_v2 as v2
from protocol.messages import Response, encode, frame_limit
from settings.event_log import ids

from .actions import Send
from .close_codes import IDLE, TRY_AGAIN_LATER, try_again_later
from .door import ANYBODY
from .memory import Memory
from .session import Session
from .session_v2 import SessionV2

log = logging.getLogger("WebSocket server")

SEND_TIMEOUT: Final = 60.0
"""Seconds until a client that does not take what it is sent is cut off."""

DISCARD_SECONDS: Final = 10.0
"""How long a peer may go on sending after our close frame."""

MOST_HEADER_BYTES: Final = 2 * 1024 * 1024  # websockets reads 128 lines of 8 KiB at most

LAST_WORDS_TIMEOUT: Final = 2.0
"""Seconds that a client has to take what waits for it before its connection is closed."""

OUTBOX_BYTES: Final = 64 * 1024 * 1024
OUTBOX_PATIENCE: Final = 10.0
"""A client that lets more wait for it, and has taken no message for so many seconds, is cut off before SEND_TIMEOUT. A
v2 client finds its answers again."""

_CONTROL_FRAME_BYTES: Final = 16  # a pong that answers our ping has 10 bytes, and is no sign of a client at work


class Transport(ServerConnection):
    """websockets' connection; it also tells when data last came, that it is lost, and which limit a frame broke.

    What has arrived and was not handed out is counted in `memory`.
    """

    def __init__(self, max_image_bytes: int, memory: Memory, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._memory = memory
        self._partial = self._queued = 0  # bytes of the frame that is arriving; of messages that are not handed out
        self._discarded, self._most_discarded = 0, MOST_HEADER_BYTES + 2 * frame_limit(max_image_bytes)
        self._ending: asyncio.TimerHandle | None = None
        self.last_data = self.loop.time()
        self.is_lost = False
        self.changed = asyncio.Event()
        fail = self.protocol.fail

        def fail_naming_the_limit(code: CloseCode | int, reason: str = "") -> None:
            if code == CloseCode.MESSAGE_TOO_BIG and "fragments" not in reason:
                reason = f"frame too large: the limit is {max_image_bytes} bytes for an image"
            fail(code, reason)

        self.protocol.fail = fail_naming_the_limit  # type: ignore[method-assign]

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with what has arrived."""
        # A large frame on a slow line takes longer than idle_timeout: whoever is sending it is not idle.
        if len(data) > _CONTROL_FRAME_BYTES:
            self.last_data = self.loop.time()
        is_open = self.protocol.state is State.OPEN and self.protocol.close_sent is None
        if not is_open:
            self._discard(len(data))
            super().data_received(data)
            return
        self._partial += len(data)
        self._memory.take(len(data))
        if self._memory.is_exhausted and self._partial + self._queued > self._memory.most // 100:
            self.protocol.fail(TRY_AGAIN_LATER, try_again_later("no memory"))
        super().data_received(data)

    def _discard(self, size: int) -> None:
        """Before the connection is open, and after our close, nothing is kept: headers, the rest of a frame."""
        if self.protocol.close_sent is not None and self._ending is None:
            self._ending = self.loop.call_later(DISCARD_SECONDS, self.transport.abort)
        self._discarded += size
        if self._discarded > self._most_discarded:
            self.transport.abort()

    def process_event(self, event: Any) -> None:
        """Called by websockets with each whole frame, and in the handshake."""
        self._memory.give_back(self._partial)
        self._partial = 0
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self._queued += len(event.data)
            self._memory.take(len(event.data))
        super().process_event(event)

    def read(self, size: int) -> None:
        """A message of `size` bytes has been handed out."""
        size = min(size, self._queued)  # what a lost connection had is given back already
        self._queued -= size
        self._memory.give_back(size)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio once, at the end."""
        self.is_lost = True
        self.changed.set()
        if self._ending is not None:
            self._ending.cancel()
        self._memory.give_back(self._partial + self._queued)
        self._partial = self._queued = 0
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
    """One client's connection: its transport, its session, and the messages that wait to go out.

    bearer: the token of the handshake, "" when there was none.
    """

    def __init__(self, transport: Transport, session: Session | SessionV2, bearer: str = "") -> None:
        self.transport = transport
        self.session = session
        self.bearer = bearer
        self.grant = ANYBODY
        self.is_replaced = False
        self.last_answer = 0.0
        self.waits_until = 0.0  # it may wait for what this gateway does not know of, until then
        self._outbox: deque[tuple[Send, bytes]] = deque()
        self._outbox_bytes = 0
        self._last_taken = 0.0
        self._sender: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def post(self, sends: Iterable[Send]) -> None:
        """Send messages in this order, without waiting for the client to take them."""
        now = self.transport.loop.time()
        if not self._outbox:
            self._last_taken = now
        for wanted in sends:
            send, frame = self._encode(wanted)
            self._outbox.append((send, frame))
            self._outbox_bytes += len(frame)
        if self._outbox_bytes > OUTBOX_BYTES and now > self._last_taken + OUTBOX_PATIENCE:
            self._cut_off("lets its answers pile up")
        # A task only while there is something to send: ten thousand idle connections need none.
        elif self._outbox and (self._sender is None or self._sender.done()):
            self._sender = asyncio.create_task(self._send_all())

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

    def close(self, code: int, reason: str) -> None:
        """Say what waits to be said, then end the connection; does not wait for that. Safe to call twice."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason))

    async def _close(self, code: int, reason: str) -> None:
        if self._sender is not None:
            await asyncio.wait((self._sender,), timeout=LAST_WORDS_TIMEOUT)
        await self.transport.close(code, reason)

    async def room(self, most: int) -> None:
        """Wait until fewer than `most` images and messages are under way here, or the connection is lost.

        A v2 client is told when it has too many images; only what it does not read holds it back.
        """
        await self.wait_until(lambda: not self._is_full(most))

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds` after something has changed here, or the connection is lost."""
        while not holds() and not self.transport.is_lost:
            self.transport.changed.clear()
            await self.transport.changed.wait()

    def _is_full(self, most: int) -> bool:
        return len(self._outbox) >= 4 * most if isinstance(self.session, SessionV2) else self.under_way >= most

    @property
    def under_way(self) -> int:
        """How many images and messages the client still waits for."""
        return self.session.in_flight + len(self._outbox)

    @property
    def unreceived(self) -> int:
        """How many answers the client has not said Received for; none on v1."""
        return self.session.unreceived if isinstance(self.session, SessionV2) else 0

    @property
    def unsent(self) -> list[Any]:
        """The messages that wait to go out."""
        return [send.message for send, _ in self._outbox]

    def ids(self, **more: Any) -> dict[str, Any]:
        """The `extra` of a log call about this client."""
        return ids(client_uuid=self.session.client_uuid, **more)

    async def _send_all(self) -> None:
        is_text = not (isinstance(self.session, SessionV2) and self.session.codec.is_binary)
        try:
            while self._outbox:
                send, frame = self._outbox[0]
                async with asyncio.timeout(SEND_TIMEOUT):
                    await self.transport.send(frame, text=is_text)
                if self._outbox and self._outbox[0][0] is send:
                    self._outbox.popleft()
                    self._outbox_bytes -= len(frame)
                self._last_taken = self.transport.loop.time()
                self._sent(send)
        except ConnectionClosed:
            pass  # whoever reads from this connection learns of it, and says so
        except TimeoutError:
            self._cut_off("takes no answers")
        self.transport.changed.set()

    def _cut_off(self, why: str) -> None:
        log.warning(f"client {self.session.client_uuid} {why}; it is cut off", extra=self.ids())
        self.transport.transport.abort()

    def _sent(self, sent: Send) -> None:
        self.transport.changed.set()
        message = sent.message
        if sent.message_id is None or not isinstance(message, Response | v2.Success | v2.Failure):
            return
        if isinstance(message, Response) and not message.is_final:
            return
        self.last_answer = self.transport.loop.time()
        request_id = {} if isinstance(message, Response) else {"request_id": message.request_id}
        log.info(
            f"result delivered: {message.response_message} for {message.image_file_name} to {self.session.client_uuid}",
            extra=self.ids(image_file_name=message.image_file_name, message_id=sent.message_id, **request_id),
        )


class IdleTimer:
    """Closes a connection on which nothing is outstanding and nothing arrives for `idle_timeout` seconds."""

    def __init__(self, connection: Connection, idle_timeout: float) -> None:
        self._connection = connection
        self._idle_timeout = idle_timeout
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_later(idle_timeout, self._look)

    def cancel(self) -> None:
        """The connection is gone."""
        self._handle.cancel()

    def _look(self) -> None:
        # One timer a connection, moved when it fires: moving it at each frame would cost more than looking again.
        connection = self._connection
        since = max(connection.transport.last_data, connection.last_answer)
        now = self._loop.time()
        is_waiting = connection.under_way or now < connection.waits_until
        left = self._idle_timeout if is_waiting else since + self._idle_timeout - now
        if left > 0:
            self._handle = self._loop.call_later(left, self._look)
            return
        connection.close(IDLE, f"idle: nothing was sent for {self._idle_timeout:g} s")
