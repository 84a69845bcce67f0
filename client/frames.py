"""WebSocket frames over a connected socket: websocket-client, made to read while it sends.

Two sides that both send more than the network holds must each go on reading, or they wait for each other for ever. One
thread does both: TLS in Python 3.11 does not allow a second one in the same connection.

What an image costs is mostly calls to the system and to Python functions: small messages leave together, and all that
has arrived is read at once.
"""

import math
import selectors
import ssl
import time
from collections import deque
from typing import Any, Final

import websocket
from websocket import ABNF

from .framing import PIECE, masked, whole_messages

FAILURES: Final = (websocket.WebSocketException, OSError, ValueError)  # ValueError: TLS that another thread shut down

CONTROL_PATIENCE: Final = 10.0
"""Seconds until a gateway that takes no ping, pong or close counts as gone."""

_READ_AT_ONCE: Final = 64 * 1024
_WOULD_BLOCK: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class FrameSocket(websocket.WebSocket):
    """One connection's frames. It keeps the close frame, which a failing answer to it would hide.

    arrived: whole messages that nobody has taken. heard_at: when the last byte came, in the time of `time.monotonic`.
    """

    def __init__(self) -> None:
        # Bad UTF-8 is found, and faster, by the decoders.
        super().__init__(skip_utf8_validation=True)
        self.arrived: deque[bytes] = deque()
        self.last_words: bytes | None = None
        self.heard_at = time.monotonic()
        self.is_mid_frame = False
        self._unread = b""
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._patience, self._within, self._send_until = CONTROL_PATIENCE, math.inf, math.inf
        self._postponed = b""

    def send_message(self, message: bytes, opcode: int, patience: float, within: float, *, more: bool = False) -> None:
        """Send it, or raise one of FAILURES; then `is_mid_frame` says whether a part of it may have gone.

        patience: seconds in which the other side must take a part of it, within: seconds for the whole; of messages
        that leave together, the least. more: others follow, for which a small message waits; `flush` sends the last.
        """
        if not self._unsent:
            self._patience, self._within, self._send_until = patience, math.inf, math.inf
        self._patience, self._within = min(patience, self._patience), min(within, self._within)
        self._send_until = min(self._send_until, time.monotonic() + within)
        self.is_mid_frame = True  # also when this ends in an exception
        for piece in masked(message, opcode):
            self._unsent.append(piece)
            self._unsent_bytes += len(piece)
            if self._unsent_bytes >= PIECE:
                self._write()
        self.is_mid_frame = False
        if not more or len(message) > PIECE:
            self.flush()

    @property
    def has_unsent(self) -> bool:
        """True when something waits for `flush`."""
        return bool(self._unsent or self._postponed)

    def flush(self) -> None:
        """Send what was kept back; raises as `send_message` does."""
        self.is_mid_frame = True
        while self._unsent or self._postponed:
            if self._postponed:
                self._unsent.append(self._postponed)
                self._postponed = b""
            self._write()
        self.is_mid_frame = False
        self._patience, self._within, self._send_until = CONTROL_PATIENCE, math.inf, math.inf

    def say_goodbye(self, timeout: float) -> None:
        """Send a close frame and wait for the other side's, at most `timeout` seconds for each. Never raises."""
        self._patience = timeout
        self.close(timeout=timeout)

    def send_frame(self, frame: ABNF) -> int:
        """Through here goes what websocket-client sends of its own: pings, pongs and closes."""
        data = frame.format()
        if self.is_mid_frame:
            # The answer to a ping that was read meanwhile; of several, only the last is owed (RFC 6455, 5.5.3).
            self._postponed = data
        else:
            self._unsent.append(data)
            self.flush()
        return len(data)

    def _write(self) -> None:
        left = memoryview(b"".join(self._unsent))
        self._unsent.clear()
        self._unsent_bytes = 0
        taken_at: float | None = None
        while left:
            raw = self._open_socket()
            raw.settimeout(0)
            try:
                left = left[raw.send(left) :]
                taken_at = None
            except _WOULD_BLOCK:
                taken_at = taken_at or time.monotonic()
                self._wait_for_room(taken_at)

    def _wait_for_room(self, taken_at: float) -> None:
        """Until the other side takes more, or sends; that is read."""
        seconds = min(taken_at + self._patience, self._send_until) - time.monotonic()
        if seconds <= 0:
            since = min(self._patience, self._within)
            raise TimeoutError(f"the gateway takes no data since {since:.3g} s")
        with selectors.DefaultSelector() as selector:
            selector.register(self._open_socket(), selectors.EVENT_READ | selectors.EVENT_WRITE)
            for _, event in selector.select(seconds):
                if event & selectors.EVENT_READ:
                    self.read(0)

    def read(self, timeout: float) -> bool:
        """Take what has arrived, waiting for it at most `timeout` seconds; False when nothing has. Answers pings.

        Raises one of FAILURES, also for a close frame.
        """
        self._open_socket().settimeout(timeout)
        try:
            self._fill()
        except (TimeoutError, *_WOULD_BLOCK):
            return False
        while self._unread:
            if self._is_between_messages():
                messages, self._unread = whole_messages(self._unread)
                self.arrived.extend(messages)
            if self._unread:
                self._take_unusual()
        return True

    def _is_between_messages(self) -> bool:
        """True when websocket-client has no part of a message."""
        frames = self.frame_buffer
        return frames.header is None and not frames.recv_buffer and not self.cont_frame.recving_frames

    def _take_unusual(self) -> None:
        self._open_socket().settimeout(0)
        try:
            opcode, frame = self.recv_data_frame(control_frame=True)
        except _WOULD_BLOCK:  # the rest is on its way
            return
        if opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY):
            self.arrived.append(bytes(frame.data))
        elif opcode == ABNF.OPCODE_CLOSE:
            raise websocket.WebSocketConnectionClosedException("the gateway has closed it")

    def _open_socket(self) -> Any:
        if self.sock is None:
            raise websocket.WebSocketConnectionClosedException("it is closed")
        return self.sock

    def recv_frame(self) -> ABNF:
        """As in websocket-client."""
        frame: ABNF = super().recv_frame()  # type: ignore[no-untyped-call]
        if frame.opcode == ABNF.OPCODE_CLOSE:
            self.last_words = bytes(frame.data) if isinstance(frame.data, bytes | bytearray) else b""
        return frame

    def _recv(self, bufsize: int) -> bytes:
        if not self._unread:
            self._fill()
        data, self._unread = self._unread[:bufsize], self._unread[bufsize:]
        return data

    def _fill(self) -> None:
        # Not by websocket-client's `_recv`, which closes what has ended: who was told to stop may still have to send.
        self._unread = self._open_socket().recv(_READ_AT_ONCE)
        if not self._unread:
            raise websocket.WebSocketConnectionClosedException("it has ended without a goodbye")
        self.heard_at = time.monotonic()
