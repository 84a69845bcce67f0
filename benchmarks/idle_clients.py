"""Thousands of v2 clients in one process that do nothing but answer pings, and now and then say something.

Each is a bare asyncio protocol: full WebSocket clients would take more of the machine than the gateway does.
"""

import asyncio
import resource
from typing import Final

from protocol import messages_v2 as v2
from protocol.codecs_v2 import JSON

from . import websocket_frames as frames

CONNECTING_AT_A_TIME: Final = 64
SECONDS: Final = 60.0


class IdleClient(asyncio.Protocol):
    """One connection; made by `connect`."""

    def __init__(self) -> None:
        self.client_uuid = ""
        self._arrived = bytearray()
        self._is_open = False
        self._messages: list[v2.GatewayMessage] = []
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    def say(self, message: v2.ClientMessage) -> None:
        """Send a message."""
        self._transport.write(frames.frame(frames.TEXT, JSON.encode(message)))

    async def hear(self) -> v2.GatewayMessage:
        """The next message. Raises TimeoutError after SECONDS, ConnectionError at the connection's end."""
        while not self._messages:
            self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.wait_for(self._waiter, SECONDS)
        return self._messages.pop(0)

    async def enter(self, request: bytes) -> None:
        """Shake hands and say hello."""
        self._transport.write(request)
        self.say(v2.Hello("idle"))  # not waiting for the handshake's answer: the gateway reads it then
        welcome = await self.hear()
        assert isinstance(welcome, v2.Welcome), welcome
        self.client_uuid = welcome.client_uuid

    def leave(self) -> None:
        """Close without waiting for the gateway's part."""
        self._transport.write(frames.frame(frames.CLOSE, frames.GOODBYE))
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
        self._arrived += data
        self._is_open = self._is_open or frames.take_response(self._arrived)
        while self._is_open and (one := frames.take_frame(self._arrived)) is not None:
            self._hear(*one)

    def _hear(self, first: int, payload: bytes) -> None:
        if first == frames.PING:
            self._transport.write(frames.frame(frames.PONG, payload))
        elif first == frames.TEXT:
            self._messages.append(JSON.decode_gateway_message(payload))
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)


async def connect(port: int, count: int) -> list[IdleClient]:
    """So many clients, welcomed. Raises OSError where so many files may not be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    request = frames.request(port, JSON.subprotocol)
    places = asyncio.Semaphore(CONNECTING_AT_A_TIME)
    loop = asyncio.get_running_loop()

    async def one() -> IdleClient:
        async with places:
            _, client = await loop.create_connection(IdleClient, "127.0.0.1", port)
            await client.enter(request)
            return client

    return await asyncio.gather(*(one() for _ in range(count)))
