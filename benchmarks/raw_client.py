"""The least that a client can be: v2 as MessagePack on a bare socket. What is left of a time is not the client's."""

import base64
import os
import socket
import struct
import uuid
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from protocol import messages_v2 as v2
from protocol.codecs_v2 import MSGPACK

from .images import Sample

SECONDS: Final = 60.0
_FIN_BINARY, _FIN_CLOSE, _MASKED = 0x82, 0x88, 0x80


class RawClient:
    """One connection to the gateway on `port`, welcomed. It can be given to a selector."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._arrived = bytearray()
        try:
            self._shake_hands(port)
            self._say(v2.Hello("raw client"))
            welcome = self.hear()
            assert isinstance(welcome, v2.Welcome), welcome
            self.client_uuid = welcome.client_uuid
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def send(self, sample: Sample) -> str:
        """Send an image; returns its RequestId."""
        request_id = uuid.uuid4().hex
        self._say(v2.Upload(self.client_uuid, sample.name, sample.content, request_id))
        return request_id

    def received(self, request_id: str) -> None:
        """Say that a final answer has arrived."""
        self._say(v2.Received(self.client_uuid, (request_id,)))

    def hear(self) -> v2.GatewayMessage:
        """The next message. Raises TimeoutError after SECONDS."""
        while (message := self._next()) is None:
            self._take()
        return message

    def heard(self) -> Iterator[v2.GatewayMessage]:
        """What one read of the socket brings, for when it can be read."""
        self._take()
        while (message := self._next()) is not None:
            yield message

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._socket:
            self._frame(_FIN_CLOSE, struct.pack("!H", 1000))

    def _shake_hands(self, port: int) -> None:
        head = (
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {MSGPACK.subprotocol}\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        while b"\r\n\r\n" not in self._arrived:
            self._take()
        answer, _, self._arrived = self._arrived.partition(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), bytes(answer)

    def _say(self, message: v2.ClientMessage) -> None:
        self._frame(_FIN_BINARY, MSGPACK.encode(message))

    def _frame(self, first: int, payload: bytes) -> None:
        """Send one frame (RFC 6455, 5.2); its mask is of zeros, which change nothing."""
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB4x", first, _MASKED | size)
        elif size < 2**16:
            head = struct.pack("!BBH4x", first, _MASKED | 126, size)
        else:
            head = struct.pack("!BBQ4x", first, _MASKED | 127, size)
        self._socket.sendall(head + payload)

    def _take(self) -> None:
        data = self._socket.recv(2**16)
        if not data:
            raise ConnectionError("the gateway has ended the connection")
        self._arrived += data

    def _next(self) -> v2.GatewayMessage | None:
        """The first message of what has arrived; None when it is not all there. Pings are passed over."""
        arrived = self._arrived
        while len(arrived) >= 2:
            size, at = arrived[1], 2
            if size == 126:
                size, at = int.from_bytes(arrived[2:4]), 4
            elif size == 127:
                size, at = int.from_bytes(arrived[2:10]), 10
            if len(arrived) < at + size:
                return None
            first, payload = arrived[0], bytes(arrived[at : at + size])
            del arrived[: at + size]
            if first == _FIN_CLOSE:
                raise ConnectionError(f"the gateway has closed the connection: {payload!r}")
            if first == _FIN_BINARY:
                return MSGPACK.decode_gateway_message(payload)
        return None
