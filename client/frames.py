"""WebSocket frames over a connected socket: websocket-client, made to read while it sends.

Two sides that both send more than the network holds must each go on reading, or they wait for each other for ever. One
thread does both: TLS in Python 3.11 does not allow a second one in the same connection.
"""

import contextlib
import math
import selectors
import ssl
import time
from collections import deque
from typing import Any, Final

import websocket
from websocket import ABNF

FAILURES: Final = (websocket.WebSocketException, OSError, ValueError)  # ValueError: TLS that another thread shut down

CONTROL_PATIENCE: Final = 10.0
"""Seconds until a gateway that takes no ping, pong or close counts as gone."""

_A_MOMENT: Final = 0.001
"""Seconds to wait for what has arrived already: with 0 websocket-client would work in another way."""

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
        self._patience, self._send_until = CONTROL_PATIENCE, math.inf
        self._postponed = b""

    def send_message(self, data: bytes, opcode: int, patience: float, within: float) -> None:
        """Send it, or raise one of FAILURES; then `is_mid_frame` says whether a part of it may have gone.

        patience: seconds in which the other side must take a part of it, within: seconds for the whole.
        """
        self._patience, self._send_until = patience, time.monotonic() + within
        self.send(data, opcode)
        self._patience, self._send_until = CONTROL_PATIENCE, math.inf

    def say_goodbye(self, timeout: float) -> None:
        """Send a close frame and wait for the other side's, at most `timeout` seconds for each. Never raises."""
        self._patience = timeout
        self.close(timeout=timeout)

    def send_frame(self, frame: ABNF) -> int:
        """Through here goes all that is sent: messages, and the pings, pongs and closes of websocket-client."""
        data = frame.format()
        if self.is_mid_frame:
            # The answer to a ping that was read meanwhile; of several, only the last is owed (RFC 6455, 5.5.3).
            self._postponed = data
            return len(data)
        self.is_mid_frame = True  # also when this ends in an exception
        self._write(data)
        while self._postponed:
            data, self._postponed = self._postponed, b""
            self._write(data)
        self.is_mid_frame = False
        return len(data)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        taken_at = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._open_socket(), selectors.EVENT_READ | selectors.EVENT_WRITE)
            while left:
                raw = self._open_socket()
                raw.settimeout(0)
                with contextlib.suppress(*_WOULD_BLOCK):
                    left = left[raw.send(left) :]
                    taken_at = time.monotonic()
                    continue
                seconds = min(taken_at + self._patience, self._send_until) - time.monotonic()
                if seconds <= 0:
                    raise websocket.WebSocketTimeoutException
                for _, event in selector.select(seconds):
                    if event & selectors.EVENT_READ:
                        self.read()

    def has_arrived(self, timeout: float) -> bool:
        """True when there is something to read, waiting for it at most `timeout` seconds."""
        raw = self._open_socket()
        if isinstance(raw, ssl.SSLSocket) and raw.pending():
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(raw, selectors.EVENT_READ)
            return bool(selector.select(timeout))

    def read(self) -> None:
        """Take what has arrived of the next frame. Answers pings. Raises one of FAILURES, also for a close frame."""
        self._open_socket().settimeout(_A_MOMENT)
        try:
            opcode, frame = self.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:  # the rest is on its way
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
        data: bytes = super()._recv(bufsize)  # type: ignore[no-untyped-call]
        self.heard_at = time.monotonic()
        return data
