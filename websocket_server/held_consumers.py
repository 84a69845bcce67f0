"""Takes the held answers of clients that are here, on one channel. A part of `broker`.

When the broker closes the channel, for one queue that it does not let us take, the link goes on: what was delivered by
the channel comes again, and whoever uses this takes up the queues anew.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage

from .batches import channel_of
from .deliveries import Settling
from .lost_channels import or_lost

TIMEOUT: Final = 10.0
"""Seconds for one exchange with the broker."""

OnHeld = Callable[[str, Settling, DeliveredMessage], Coroutine[Any, Any, None]]
"""Called with whose held queue it is, what settles a message of it, and the message."""


class HeldConsumers:
    """The consumers of held queues on one channel. Everything raises what aiormq raises.

    on_held: called with each message. on_loss: called when the consumers have gone with their channel.
    """

    def __init__(self, connection: AbstractConnection, on_held: OnHeld, on_loss: Callable[[], None]) -> None:
        self._connection = connection
        self._on_held = on_held
        self._on_loss = on_loss
        self._channel: AbstractChannel | None = None
        self._lost = asyncio.Event()  # of the channel that there is, or was last
        self._settling: Settling | None = None  # on the same
        self._prefetch = 0  # of the same, for each consumer that comes after it; 0: none is set
        self._consumes = asyncio.Lock()
        self._tags: dict[str, str] = {}
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __contains__(self, client_uuid: str) -> bool:
        return client_uuid in self._tags

    async def start(self, client_uuid: str, queue_name: str, most: int, declare: Callable[[], Awaitable[None]]) -> None:
        """Take the client's held answers from now on; does nothing when they are taken already.

        most: how many are on their way to it at a time; at least as many as it may owe a Received for. declare: sees
        that the queue is there; a `stop` that comes meanwhile waits for all of this, and ends it.
        """
        async with self._alone(client_uuid):
            if client_uuid in self._tags:
                return
            await declare()
            try:
                async with self._consumes, asyncio.timeout(TIMEOUT):
                    await or_lost(self._consume(client_uuid, queue_name, most))
            except TimeoutError:  # the consumer may be there or not: only a new channel makes sure
                self._lose(self._lost)
                raise

    async def _consume(self, client_uuid: str, queue_name: str, most: int) -> None:
        channel, settling = await self._open_channel()
        if self._prefetch != most:  # RabbitMQ, "Consumer Prefetch"
            await channel.set_qos(prefetch_count=most)
            self._prefetch = most
        consumed = await (await channel_of(channel)).basic_consume(
            queue_name, functools.partial(self._on_held, client_uuid, settling)
        )
        if settling.lost.is_set():
            raise ConnectionError("its channel was lost at once")
        self._tags[client_uuid] = str(consumed.consumer_tag)

    async def stop(self, client_uuid: str) -> None:
        """Take the client's held answers no more."""
        async with self._alone(client_uuid):
            tag = self._tags.pop(client_uuid, None)
            if tag is not None and self._channel is not None:
                try:
                    async with asyncio.timeout(TIMEOUT):
                        await or_lost((await channel_of(self._channel)).basic_cancel(tag))
                except TimeoutError:  # a consumer without a client would be given the same answers again and again
                    self._lose(self._lost)

    def end(self) -> None:
        """The connection has gone, and with it all that was delivered by it."""
        self._lost.set()
        if self._settling is not None:
            self._settling.end()

    async def settled(self) -> None:
        """Wait until what was settled is so at the broker, as far as we can tell."""
        if self._settling is not None:
            await self._settling.said()

    async def _open_channel(self) -> tuple[AbstractChannel, Settling]:
        if self._channel is None or self._settling is None:
            lost = self._lost = asyncio.Event()
            channel = self._connection.channel(publisher_confirms=False)
            on_loss = functools.partial(self._lose, lost)
            channel.close_callbacks.add(on_loss)
            await channel.initialize()
            # The broker may end a consumer and leave its channel open, as when the queue is deleted.
            underlay = await channel_of(channel)
            underlay.on_consumer_cancel_callbacks.add(on_loss)
            self._channel, self._settling, self._prefetch = channel, Settling(underlay, lost), 0
        return self._channel, self._settling

    def _lose(self, lost: asyncio.Event, *_: Any) -> None:
        if lost.is_set():
            return
        lost.set()
        if lost is self._lost:
            channel, self._channel = self._channel, None
            if self._settling is not None:
                self._settling.end()
            self._tags.clear()
            if channel is not None and not channel.is_closed:
                self._closing = asyncio.create_task(_close(channel))
            self._on_loss()

    @contextlib.asynccontextmanager
    async def _alone(self, client_uuid: str) -> AsyncIterator[None]:
        """One at a time for each client, in the order in which they came."""
        lock, users = self._locks.get(client_uuid, (asyncio.Lock(), 0))
        self._locks[client_uuid] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(client_uuid)
            if users > 1:
                self._locks[client_uuid] = (lock, users - 1)


async def _close(channel: AbstractChannel) -> None:
    with contextlib.suppress(Exception):  # of every kind; it ends with its connection at the latest
        async with asyncio.timeout(TIMEOUT):
            await or_lost(channel.close())
