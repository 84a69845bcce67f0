"""A new connection until it can be used: which version the gateway speaks, the hello, the welcome."""

import threading
import time
from typing import Final

from .address import Gateway, shown
from .connection import Connection
from .errors import NOT_ALLOWED, ConnectError, ConnectionLost
from .events import Ignored, Refused, Unknown, Welcomed
from .session import Session
from .session_v2 import SessionV2

V1_REMEMBERED: Final = 60.0
"""Seconds for which a gateway that spoke v1 is not offered v2."""


class Door:
    """Opens connections to a gateway: v2, or v1 to one that speaks no more."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._offers_v2_from = 0.0

    def open(self, timeout: float) -> Connection:
        """A connection on which nothing was said yet. timeout: in seconds. Raises ConnectError."""
        until = time.monotonic() + timeout
        url, token = self._gateway.url, self._gateway.token
        if time.monotonic() >= self._offers_v2_from:
            connection = Connection(url, token, timeout, offers_v2=True)
            if connection.codec is not None:
                return connection
            connection.close()
            self._offers_v2_from = time.monotonic() + V1_REMEMBERED
        return Connection(url, token, max(0.1, until - time.monotonic()))

    def greet(
        self, connection: Connection, session: Session | SessionV2, timeout: float, is_aborted: threading.Event
    ) -> tuple[Welcomed, list[Ignored]]:
        """Say hello and wait for the welcome; also what came instead of it before. Raises ConnectError."""
        until = time.monotonic() + timeout
        ignored: list[Ignored] = []
        connection.send(session.hello(), timeout)
        while True:
            # Looked at once there is a connection that `abort` could have found, so that either it or we see the other.
            if is_aborted.is_set():
                raise ConnectError("interrupted")
            seconds = until - time.monotonic()
            if seconds <= 0:
                raise ConnectError(
                    f"What answers at {shown(self._gateway.url)} assigns no ClientUUID within "
                    f"{self._gateway.connect_timeout:g} s. Is it an OCR gateway?",
                    is_passing=True,
                )
            try:
                frame = connection.receive(seconds)
            except ConnectionLost as lost:
                is_refusal = lost.close_code == NOT_ALLOWED
                raise ConnectError(
                    str(lost), is_passing=not is_refusal, is_refusal=is_refusal, retry_after=lost.retry_after
                ) from lost
            event = session.receive(frame, time.monotonic()) if frame is not None else None
            if isinstance(event, Welcomed):
                return event, ignored
            if isinstance(event, Refused):
                has_none = self._gateway.token is None and event.retry_after is None
                hint = " It has sent no token: [Client] token_file names the file with one." if has_none else ""
                raise ConnectError(
                    f"The gateway does not let this client in: {event.sentence}{hint}",
                    is_passing=event.retry_after is not None,
                    is_refusal=event.retry_after is None,
                    retry_after=event.retry_after,
                )
            if isinstance(event, Unknown):
                connection.send(session.hello(), timeout)  # as a new client
            if isinstance(event, Ignored):
                ignored.append(event)
