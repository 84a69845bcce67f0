"""One connection to a gateway: the handshake and the subprotocol, sending, receiving, and how it ended, in words."""

import contextlib
import math
import socket
import time
from http import HTTPStatus
from typing import Final

import websocket
from websocket import ABNF

from protocol.codecs_v2 import CODECS, Codec

from .address import open_socket, shown
from .errors import ConnectError, ConnectionLost, closing
from .frames import FAILURES, FrameSocket

CLOSE_TIMEOUT: Final = 1.0
"""Seconds that a closing gateway, or one that broke our sending, has for its last words."""

PING_AFTER: Final = 10.0
PONG_WITHIN: Final = 20.0
"""Seconds of silence until a v2 gateway is pinged, and then until it counts as gone. v1 gateways may be of any kind."""


class Connection:
    """An open connection. One thread uses it; `abort` may be called from any.

    Opening it raises ConnectError. url: as `check_url` allows. token: None sends none. timeout: in seconds.
    offers_v2: ask for v2's subprotocols. codec: the one that the gateway has selected, None for v1.
    """

    def __init__(self, url: str, token: str | None, timeout: float, *, offers_v2: bool = False) -> None:
        self._socket = FrameSocket()
        self._failed_send: str | None = None
        self._is_aborted = False
        self._end: ConnectionLost | None = None
        self._pinged_at = -math.inf
        headers = [f"Authorization: Bearer {token}"] if token else []
        if offers_v2:
            # Not as websocket-client's `subprotocols`: it takes a gateway that selects none for no gateway at all.
            headers.append(f"Sec-WebSocket-Protocol: {', '.join(CODECS)}")
        raw = open_socket(url, timeout)
        try:
            self._socket.connect(  # type: ignore[no-untyped-call]
                url,
                socket=raw,
                header=headers,
                suppress_origin=True,  # an origin is what pages in a browser have; gateways may refuse unknown ones
                redirect_limit=0,  # the token is for this host
            )
            selected = (self._socket.getheaders() or {}).get("sec-websocket-protocol") if offers_v2 else None
            if selected is not None and selected not in CODECS:
                raise websocket.WebSocketException(f"it selects the subprotocol {selected}")
        except websocket.WebSocketBadStatusException as error:
            raw.close()
            raise _refused(url, error.status_code) from error
        except websocket.WebSocketTimeoutException as error:
            raw.close()
            raise ConnectError(f"{shown(url)} does not answer within {timeout:.3g} s.", is_passing=True) from error
        except (websocket.WebSocketConnectionClosedException, OSError) as error:
            # So it looks when a gateway dies just now, or one behind a proxy that answers in its place.
            raw.close()
            hint = " One with a certificate has a URL that begins with wss://." if url.startswith("ws:") else ""
            what = f"The connection to {shown(url)} broke before a gateway answered ({error})."
            raise ConnectError(
                f"{what} Is one running there?{hint}",
                is_passing=True,
            ) from error
        except FAILURES as error:
            raw.close()
            raise ConnectError(
                f"What answers at {shown(url)} is no gateway: {error}. Correct [WebSocket] host, port or url."
            ) from error
        self.codec: Codec | None = None if selected is None else CODECS[selected]

    def send(self, frame: bytes, patience: float, within: float = math.inf, *, more: bool = False) -> None:
        """Send a message. Never raises: when it fails, `receive` tells so after all that has arrived before.

        patience: seconds until a gateway that takes nothing counts as gone. within: seconds for all of it. more: others
        follow, for which a small one waits; `flush` sends the last.
        """
        if self._failed_send is not None or self._socket.is_mid_frame:
            return
        opcode = ABNF.OPCODE_BINARY if self.codec is not None and self.codec.is_binary else ABNF.OPCODE_TEXT
        try:
            self._socket.send_message(frame, opcode, patience, within, more=more)
        except FAILURES as error:
            self._failed_send = str(error)

    def flush(self) -> None:
        """Send what waits for more. Never raises, as `send`."""
        if self._failed_send is not None or self._socket.is_mid_frame:
            return
        try:
            self._socket.flush()
        except FAILURES as error:
            self._failed_send = str(error)

    @property
    def has_unsent(self) -> bool:
        """True when a message waits for `flush`."""
        return self._socket.has_unsent

    @property
    def has_message(self) -> bool:
        """True when a message has arrived: `receive` will not wait."""
        return bool(self._socket.arrived)

    def receive(self, timeout: float) -> bytes | None:
        """The next message; None when none came within `timeout` seconds.

        Pings are answered in here, and sent. Raises ConnectionLost.
        """
        arrived = self._socket.arrived
        if arrived:
            return arrived.popleft()
        if self._failed_send is not None:
            timeout = min(timeout, CLOSE_TIMEOUT)
        until = time.monotonic() + timeout
        while not arrived:
            seconds = until - time.monotonic()
            if self._read(max(0.0, min(seconds, self._quiet_for()))):
                continue
            if self._failed_send is not None and seconds <= 0:
                raise self._lost(self._failed_send)
            if seconds <= 0:
                return None
            if self._quiet_for() <= 0:
                self._ping()
        return arrived.popleft()

    def _quiet_for(self) -> float:
        """Seconds for which the gateway may go on to be silent."""
        if self.codec is None or self._failed_send is not None:
            return math.inf
        heard_at = self._socket.heard_at
        until = self._pinged_at + PONG_WITHIN if self._pinged_at > heard_at else heard_at + PING_AFTER
        return until - time.monotonic()

    def _ping(self) -> None:
        if self._pinged_at > self._socket.heard_at:
            raise self._lost(f"the gateway says nothing since {time.monotonic() - self._socket.heard_at:.3g} s")
        self._pinged_at = time.monotonic()
        try:
            self._socket.ping()
        except FAILURES as error:
            self._failed_send = str(error)

    def ended(self) -> ConnectionLost | None:
        """How the connection has ended meanwhile, None when it has not. Looks at what has arrived, without waiting."""
        try:
            while self._read(0.0):
                pass
        except ConnectionLost as lost:
            return lost
        return None

    def _read(self, timeout: float) -> bool:
        """Take what has arrived, waiting for it at most `timeout` seconds; False when nothing has."""
        if self._end is not None:
            raise self._end
        if self._socket.last_words is not None:
            raise self._lost("")
        try:
            has_arrived = self._socket.read(timeout)
        except FAILURES as error:
            self._end = self._lost("interrupted" if self._is_aborted else str(error))
            if self._socket.arrived:  # before the end
                return True
            raise self._end from error
        if self._is_aborted:
            raise self._lost("interrupted")
        return has_arrived

    def _lost(self, why: str) -> ConnectionLost:
        last_words = self._socket.last_words
        if last_words is None:
            return ConnectionLost(f"The connection to the gateway broke: {why.rstrip('.')}.")
        if len(last_words) < 2:
            return closing(1000, "")
        return closing(int.from_bytes(last_words[:2], "big"), last_words[2:].decode("utf-8", "replace"))

    def close(self) -> None:
        """Say goodbye, waiting at most CLOSE_TIMEOUT seconds for the gateway's; safe to call twice."""
        if self._failed_send is None and not self._socket.is_mid_frame:  # else it would land in the middle of a message
            self._socket.say_goodbye(CLOSE_TIMEOUT)
        self._socket.shutdown()  # type: ignore[no-untyped-call]

    def abort(self) -> None:
        """Wake a thread that waits in it: it gets ConnectionLost. Whoever uses it can still send, and closes it."""
        self._is_aborted = True
        raw = self._socket.sock
        if raw is not None:
            with contextlib.suppress(OSError):  # it has ended already
                socket.socket.shutdown(raw, socket.SHUT_RD)  # not TLS's own, which ends sending too


def _refused(url: str, status: int) -> ConnectError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        what = "does not let this client in. Check [Client] token_file, or ask the operator for access."
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        what = "is not ready. Try again in a moment."
    else:
        what = "is no WebSocket gateway. Correct [WebSocket] host, port or url."
    return ConnectError(
        f"{shown(url)} answers with HTTP {status}: it {what}",
        is_passing=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        is_refusal=status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
    )
