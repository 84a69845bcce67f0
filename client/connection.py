"""One WebSocket connection to a gateway: the only user of websocket-client, whose errors are translated here."""

import selectors
import ssl
from collections import deque
from http import HTTPStatus
from typing import Any, Final

import websocket
from websocket import ABNF

from .address import open_socket, shown
from .errors import ConnectError, ConnectionLost, closing

CLOSE_TIMEOUT: Final = 1.0
"""Seconds that a closing gateway, or one that broke our sending, has for its last words."""

_Failures = (websocket.WebSocketException, OSError, ValueError)  # ValueError: TLS that another thread shut down


class Connection:
    """An open connection. One thread uses it; `abort` may be called from any.

    Opening it raises ConnectError. url: as `check_url` allows. token: None sends none. timeout: in seconds.
    """

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        # Any: half of websocket-client's methods carry no types. Bad UTF-8 is found, and faster, by the JSON decoder.
        self._socket: Any = _Socket(skip_utf8_validation=True)
        self._arrived: deque[bytes] = deque()
        self._failed_send: str | None = None
        raw = open_socket(url, timeout)
        try:
            self._socket.connect(  # type: ignore[no-untyped-call]
                url,
                socket=raw,
                header=[f"Authorization: Bearer {token}"] if token else [],
                suppress_origin=True,  # an origin is what pages in a browser have; gateways may refuse unknown ones
                redirect_limit=0,  # the token is for this host
            )
        except websocket.WebSocketBadStatusException as error:
            raw.close()
            raise _refused(url, error.status_code) from error
        except websocket.WebSocketTimeoutException as error:
            raw.close()
            raise ConnectError(f"{shown(url)} does not answer within {timeout:.3g} s.", is_passing=True) from error
        except (websocket.WebSocketConnectionClosedException, OSError) as error:
            # So it looks when a gateway dies just now, or one behind a proxy that answers in its place.
            raw.close()
            raise ConnectError(
                f"The connection to {shown(url)} broke before a gateway answered ({error}). Is one running there?",
                is_passing=True,
            ) from error
        except _Failures as error:
            raw.close()
            raise ConnectError(
                f"What answers at {shown(url)} is no gateway: {error}. Correct [WebSocket] host, port or url."
            ) from error

    def send(self, frame: bytes, timeout: float) -> None:
        """Send a text frame. Never raises: when it fails, `receive` tells so after all that has arrived before.

        timeout: seconds until a gateway that takes nothing counts as gone.
        """
        if self._failed_send is not None:
            return
        try:
            self._socket.settimeout(timeout)
            self._socket.send(frame, ABNF.OPCODE_TEXT)
        except websocket.WebSocketTimeoutException:
            self._failed_send = f"the gateway takes no data since {timeout:g} s"
        except _Failures as error:
            self._failed_send = str(error)

    def receive(self, timeout: float) -> bytes | None:
        """The next message; None when none came within `timeout` seconds, or something else than a message.

        Pings are answered in here. Raises ConnectionLost.
        """
        if self._arrived:
            return self._arrived.popleft()
        if self._failed_send is not None:
            timeout = min(timeout, CLOSE_TIMEOUT)
        try:
            return self._read(timeout)
        except websocket.WebSocketTimeoutException:
            if self._failed_send is not None:
                raise self._lost(self._failed_send) from None
            return None

    def ended(self) -> ConnectionLost | None:
        """How the connection has ended meanwhile, None when it has not. Looks at what has arrived, without waiting."""
        try:
            while self._has_arrived():
                frame = self._read(0.001)
                if frame is not None:
                    self._arrived.append(frame)
        except websocket.WebSocketTimeoutException:  # a message whose rest is still on its way
            return None
        except ConnectionLost as lost:
            return lost
        return None

    def _has_arrived(self) -> bool:
        raw = self._socket.sock
        if raw is None:
            raise self._lost("it is closed")
        if isinstance(raw, ssl.SSLSocket) and raw.pending():
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(raw, selectors.EVENT_READ)
            return bool(selector.select(0))

    def _read(self, timeout: float) -> bytes | None:
        try:
            self._socket.settimeout(max(timeout, 0.001))  # 0 would mean another mode
            opcode, frame = self._socket.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            raise
        except _Failures as error:
            raise self._lost(str(error)) from error
        if opcode == ABNF.OPCODE_CLOSE:
            raise self._lost("")
        return bytes(frame.data) if opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY) else None

    def _lost(self, why: str) -> ConnectionLost:
        last_words: bytes | None = self._socket.last_words
        if last_words is None:
            return ConnectionLost(f"The connection to the gateway broke: {why.rstrip('.')}.")
        if len(last_words) < 2:
            return closing(1000, "")
        return closing(int.from_bytes(last_words[:2], "big"), last_words[2:].decode("utf-8", "replace"))

    def close(self) -> None:
        """Say goodbye, waiting at most CLOSE_TIMEOUT seconds for the gateway's; safe to call twice."""
        if self._failed_send is None:  # else a goodbye would land in the middle of a message
            self._socket.settimeout(CLOSE_TIMEOUT)
            self._socket.close(timeout=CLOSE_TIMEOUT)
        self._socket.shutdown()

    def abort(self) -> None:
        """Break the connection: a thread that waits in it gets ConnectionLost. Whoever uses it closes it."""
        self._socket.abort()


class _Socket(websocket.WebSocket):
    """Keeps the close frame's content: answering it fails when the gateway has gone already, which hides it."""

    last_words: bytes | None = None

    def recv_frame(self) -> ABNF:
        frame: ABNF = super().recv_frame()  # type: ignore[no-untyped-call]
        if frame.opcode == ABNF.OPCODE_CLOSE:
            self.last_words = bytes(frame.data) if isinstance(frame.data, bytes | bytearray) else b""
        return frame


def _refused(url: str, status: int) -> ConnectError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        what = "does not let this client in. Check [Client] token_file, or ask the operator for access."
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        what = "is not ready. Try again in a moment."
    else:
        what = "is no WebSocket gateway. Correct [WebSocket] host, port or url."
    passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return ConnectError(f"{shown(url)} answers with HTTP {status}: it {what}", is_passing=passing)
