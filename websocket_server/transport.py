"""websockets' own connection, calling back in place of being awaited. Only this module and `gateway` use websockets.

An idle connection has one task and no timer; a message costs neither. Ten thousand of them fit into a small process.
"""

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Any, Final, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import State

from protocol.messages import frame_limit

from .close_codes import TRY_AGAIN_LATER, try_again_later
from .handshakes import Handshakes
from .inbox import Inbox, Owner
from .memory import Memory

if TYPE_CHECKING:
    from collections import deque

    from websockets.asyncio.messages import Assembler

DISCARD_SECONDS: Final = 10.0
"""How long a peer may go on sending after our close frame."""

MOST_UNTAKEN: Final = 64 * 1024 * 1024
"""Bytes that may stand in the system's way to a peer: pongs go there however little of them it reads."""

MOST_HEADER_BYTES: Final = 2 * 1024 * 1024  # websockets reads 128 lines of 8 KiB at most

_CONTROL_FRAME_BYTES: Final = 16  # a pong that answers our ping has 10 bytes, and is no sign of a client at work
_PING: Final = b"ping"
_LOG: Final = logging.getLogger("websockets.server")


class Transport(ServerConnection):
    """websockets' connection; it also tells when data last came, that it is lost, and which limit a frame broke.

    What has arrived and was not handed over is counted in `memory`. Nothing is handed over before `serve`, until which
    the connection is one of `handshakes`.
    """

    __slots__ = (
        "_discarded",
        "_ending",
        "_handshakes",
        "_inbox",
        "_max_image_bytes",
        "_memory",
        "ended",
        "full_since",
        "is_lost",
        "last_data",
    )

    def __init__(self, max_image_bytes: int, memory: Memory, handshakes: Handshakes, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._memory = memory
        self._handshakes = handshakes
        self._max_image_bytes = max_image_bytes
        self._discarded = 0
        self._ending: asyncio.TimerHandle | None = None
        self._inbox: Inbox  # from `connection_made` on
        self.last_data = self.loop.time()
        self.full_since = 0.0  # when the peer stopped taking what it is sent; 0.0 while it does
        self.is_lost = False
        self.ended: asyncio.Future[None] = self.loop.create_future()
        self.protocol.fail = self._fail  # type: ignore[method-assign]
        # An adapter for each connection would only add a name to lines that nobody prints.
        self.logger = self.protocol.logger = _LOG

    def serve(self, owner: Owner) -> None:
        """Hand messages over from now on, those first that have come already."""
        self._handshakes.over(self)
        # Only the opening handshake needed these, which would be a quarter of what an idle connection takes.
        assert self.request is not None
        self.request.headers.clear()
        self.response = None
        self.request_rcvd = cast("asyncio.Future[None]", None)
        self.protocol.select_subprotocol = None  # type: ignore[assignment, method-assign]
        self._inbox.owner = owner
        self._inbox.go_on_now()

    def go_on(self) -> None:
        """Something has changed: messages that wait are handed over soon, if they may be."""
        self._inbox.go_on()

    # What comes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio once, in the beginning."""
        super().connection_made(transport)
        # Messages are not queued there, and few ever wait for a full buffer: two deques less.
        self.recv_messages = cast("Assembler", _NoQueue)
        self.drain_waiters = cast("deque[asyncio.Future[None]]", [])
        self._inbox = Inbox(self._memory, self.transport, self.loop)
        self._handshakes.begun(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with what has arrived."""
        # A large frame on a slow line takes longer than idle_timeout: whoever is sending it is not idle.
        if len(data) > _CONTROL_FRAME_BYTES:
            self.last_data = self.loop.time()
        if self.full_since and self.transport.get_write_buffer_size() > MOST_UNTAKEN:
            self.transport.abort()
            return
        protocol = self.protocol
        if protocol.state is not State.OPEN or protocol.close_sent is not None:
            self._discard(len(data))
            super().data_received(data)
            return
        if not self._inbox.arriving(len(data)):
            protocol.fail(TRY_AGAIN_LATER, try_again_later("no memory"))
        super().data_received(data)

    def _discard(self, size: int) -> None:
        """Before the connection is open, and after our close, nothing is kept: headers, the rest of a frame."""
        self._discarded += size
        if self._discarded > MOST_HEADER_BYTES + 2 * frame_limit(self._max_image_bytes):
            self.transport.abort()

    def process_event(self, event: Any) -> None:
        """Called by websockets with each whole frame, and in the handshake."""
        self._inbox.frame_ended()
        if not isinstance(event, Frame):
            super().process_event(event)
        elif event.opcode in DATA_OPCODES:
            # websockets' parser keeps the last frame until the next has come: without its bytes, which may be millions.
            content, event.data = bytes(event.data), b""
            if not self._inbox.add(content, is_last=event.fin) and self.protocol.close_sent is None:
                self.protocol.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
                self.send_data()

    # What goes

    @property
    def can_write(self) -> bool:
        """False while the peer does not take what it was sent, and from the end's beginning on."""
        return not self.full_since and self.protocol.state is State.OPEN and not self.transport.is_closing()

    def write(self, message: bytes, *, is_text: bool) -> None:
        """Send a message with the next `flush`. Only while `can_write`."""
        if is_text:
            self.protocol.send_text(message)
        else:
            self.protocol.send_binary(message)

    def flush(self) -> bool:
        """Send what was written; False when the peer does not take it, or has gone."""
        if self.transport.is_closing():
            return False
        self.send_data()
        return not self.full_since

    def say_ping(self) -> None:
        """Keep the line open. Whether a pong comes is not looked at."""
        if self.can_write:
            self.protocol.send_ping(_PING)
            self.send_data()

    def send_data(self) -> None:
        """Called whenever there may be something to send."""
        protocol = self.protocol
        if len(protocol.writes) > 1 and all(protocol.writes):  # an empty one is the end of the stream
            writes, protocol.writes = protocol.writes, []
            # One system call, which costs more than all else about a small message. Not `writelines`: that of CPython
            # 3.12.0 to 3.12.8 and 3.13.0 to 3.13.1 never says that the peer takes nothing (CVE-2024-12254).
            self.transport.write(b"".join(writes))
        else:
            super().send_data()
        if protocol.close_sent is not None and self._ending is None and not self.is_lost:
            self._ending = self.loop.call_later(DISCARD_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        """Called by asyncio when the peer does not take what it is sent."""
        super().pause_writing()
        self.full_since = self.loop.time()

    def resume_writing(self) -> None:
        """Called by asyncio when the peer has taken most of what it was sent."""
        super().resume_writing()
        self.full_since = 0.0
        if self._inbox.owner is not None:
            self._inbox.owner.taken()

    def _fail(self, code: CloseCode | int, reason: str = "") -> None:
        """As websockets fails a connection, naming the limit of a frame."""
        if code == CloseCode.MESSAGE_TOO_BIG and "fragments" not in reason:
            reason = f"frame too large: the limit is {self._max_image_bytes} bytes for an image"
        type(self.protocol).fail(self.protocol, code, reason)

    # The end

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio once, at the end."""
        self.is_lost = True
        self._handshakes.over(self)
        self._inbox.end()
        if self._ending is not None:
            self._ending.cancel()
        super().connection_lost(exc)
        # Nothing is parsed any more. Without these circles its memory is free at once, not at the next full collection.
        self.protocol.parser = iter(())  # type: ignore[assignment]
        del self.protocol.fail
        if not self.ended.done():
            self.ended.set_result(None)

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


class _NoQueue:
    """Stands where websockets queues messages for `recv`."""

    @staticmethod
    def close() -> None:
        """The connection is lost."""
