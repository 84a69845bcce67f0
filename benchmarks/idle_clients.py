"""Thousands of v2 clients in one process that do nothing but answer pings, and now and then say something.

Each is a bare asyncio protocol: full WebSocket clients would take more of the machine than the gateway does.
"""

import asyncio
import base64
import os
import resource
import struct
from typing import Final

from protocol import messages_v2 as v2
from protocol.codecs_v2 import JSON

CONNECTING_AT_A_TIME: Final = 64
SECONDS: Final = 60.0
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_MASKED = 0x80


class IdleClient(asyncio.Protocol):
    """One connection; made by `connect`."""

    def __init__(self) -> None:
        self.client_uuid = ""
        self._arrived = b""
        self._is_open = False
        self._messages: list[v2.GatewayMessage] = []
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    def say(self, message: v2.ClientMessage) -> None:
        """Send a message."""
        self._frame(_TEXT, JSON.encode(message))

    async def hear(self) -> v2.GatewayMessage:
        """The next message. Raises TimeoutError after SECONDS, ConnectionError at the connection's end."""
        while not self._messages:
            self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.wait_for(self._waiter, SECONDS)
        return self._messages.pop(0)

    async def enter(self, head: bytes) -> None:
        """Shake hands and say hello."""
        self._transport.write(head)
        self.say(v2.Hello("idle"))  # not waiting for the handshake's answer: the gateway reads it then
        welcome = await self.hear()
        assert isinstance(welcome, v2.Welcome), welcome
        self.client_uuid = welcome.client_uuid

    def leave(self) -> None:
        """Close without waiting for the gateway's part."""
        self._frame(_CLOSE, struct.pack("!H", 1000))
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("the gateway has ended the connection"))

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with what has arrived."""
        arrived = self._arrived + data
        if not self._is_open:
            answer, end, rest = arrived.partition(b"\r\n\r\n")
            if not end:
                self._arrived = arrived
                return
            assert answer.startswith(b"HTTP/1.1 101"), answer
            self._is_open, arrived = True, rest
        while len(arrived) >= 2:
            size, at = arrived[1], 2
            if size == 126:
                size, at = int.from_bytes(arrived[2:4]), 4
            elif size == 127:
                size, at = int.from_bytes(arrived[2:10]), 10
            if len(arrived) < at + size:
                break
            self._take(arrived[0], arrived[at : at + size])
            arrived = arrived[at + size :]
        self._arrived = arrived

    def _take(self, first: int, payload: bytes) -> None:
        if first == _PING:
            self._frame(_PONG, payload)
        elif first == _TEXT:
            self._messages.append(JSON.decode_gateway_message(payload))
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def _frame(self, first: int, payload: bytes) -> None:
        """Send one frame (RFC 6455, 5.2); its mask is of zeros, which change nothing."""
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB4x", first, _MASKED | size)
        else:
            head = struct.pack("!BBH4x", first, _MASKED | 126, size)
        self._transport.write(head + payload)


async def connect(port: int, count: int) -> list[IdleClient]:
    """So many clients, welcomed. Raises OSError where so many files may not be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {JSON.subprotocol}\r\n\r\n"
    ).encode()
    places = asyncio.Semaphore(CONNECTING_AT_A_TIME)
    loop = asyncio.get_running_loop()

    async def one() -> IdleClient:
        async with places:
            _, client = await loop.create_connection(IdleClient, "127.0.0.1", port)
            await client.enter(head)
            return client

    return await asyncio.gather(*(one() for _ in range(count)))
