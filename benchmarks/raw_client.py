"""The least that a client can be: v2 as MessagePack on a bare socket. What is left of a time is not the client's."""

import socket
import uuid
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from protocol import messages_v2 as v2
from protocol.codecs_v2 import MSGPACK

from . import websocket_frames as frames
from .images import Sample

SECONDS: Final = 60.0


class RawClient:
    """One connection to the gateway on `port`, welcomed. It can be given to a selector."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._arrived = bytearray()
        try:
            self._socket.sendall(frames.request(port, MSGPACK.subprotocol))
            while not frames.take_response(self._arrived):
                self._take()
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
            self._socket.sendall(frames.frame(frames.CLOSE, frames.GOODBYE))

    def _say(self, message: v2.ClientMessage) -> None:
        self._socket.sendall(frames.frame(frames.BINARY, MSGPACK.encode(message)))

    def _take(self) -> None:
        data = self._socket.recv(2**16)
        if not data:
            raise ConnectionError("the gateway has ended the connection")
        self._arrived += data

    def _next(self) -> v2.GatewayMessage | None:
        """The first message of what has arrived; None when it is not all there. Pings are passed over."""
        while (one := frames.take_frame(self._arrived)) is not None:
            first, payload = one
            if first == frames.CLOSE:
                raise ConnectionError(f"the gateway has closed the connection: {payload!r}")
            if first == frames.BINARY:
                return MSGPACK.decode_gateway_message(payload)
        return None
