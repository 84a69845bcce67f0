"""The queues that keep the answers of absent clients, `held.<ClientUUID>`. One of the users of aio-pika.

Made anew with each connection to the broker. Declaring has a channel of its own, which the broker closes when it
refuses something; publishing and consuming are not disturbed by that.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from protocol.bodies import OcrAnswer, encode_answer
from protocol.topology import Queue, held_queue

from .deliveries import PENDING_SAID

log = logging.getLogger("WebSocket server")

TIMEOUT: Final = 10.0
"""Seconds for one exchange with the broker."""

OnHeld = Callable[[AbstractIncomingMessage], Awaitable[None]]


class HeldQueues:
    """The held queues on one connection to the broker. Everything raises what aiormq raises when that is lost.

    publishing: a channel with confirms. consuming: a channel without. declaring: the connection for declarations.
    """

    def __init__(
        self,
        publishing: AbstractChannel,
        consuming: AbstractChannel,
        declaring: AbstractConnection,
        resume_window: float,
    ) -> None:
        self._publishing = publishing
        self._consuming = consuming
        self._connection = declaring
        self._resume_window = resume_window
        self._declaring: AbstractChannel | None = None
        self._declares = asyncio.Lock()
        self._consumes = asyncio.Lock()
        self._tags: dict[str, str] = {}
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    async def hold(self, answer: OcrAnswer, *, is_pending_said: bool) -> None:
        """Keep a copy of an answer for its client; returns once the broker has confirmed it."""
        queue = self._queue(answer.client_uuid)
        await self._declare(queue)  # each time: it renews the queue's time, which publishing does not
        message = aio_pika.Message(
            encode_answer(answer),
            headers={PENDING_SAID: is_pending_said},
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        async with asyncio.timeout(TIMEOUT):
            await self._publishing.default_exchange.publish(message, queue.name, mandatory=True)

    async def consume(self, client_uuid: str, most: int, on_held: OnHeld) -> None:
        """Take the client's held answers from now on; does nothing when they are taken already.

        most: how many are on their way to it at a time; at least as many as it may owe a Received for.
        """
        async with self._alone(client_uuid):
            if client_uuid in self._tags:
                return
            queue = self._queue(client_uuid)
            await self._declare(queue)
            consumed = await self._consuming.get_queue(queue.name, ensure=False)
            async with asyncio.timeout(TIMEOUT), self._consumes:
                # A channel's prefetch counts for each consumer that comes after it (RabbitMQ, "Consumer Prefetch").
                await self._consuming.set_qos(prefetch_count=most)
                self._tags[client_uuid] = str(await consumed.consume(on_held))

    async def stop(self, client_uuid: str) -> None:
        """Take the client's held answers no more."""
        async with self._alone(client_uuid):
            tag = self._tags.pop(client_uuid, None)
            if tag is not None:
                queue = await self._consuming.get_queue(self._queue(client_uuid).name, ensure=False)
                async with asyncio.timeout(TIMEOUT):
                    await queue.cancel(tag)

    async def after_stop(self, client_uuid: str) -> None:
        """Wait for a `stop` that was begun before: what is given back earlier would come again at once."""
        async with self._alone(client_uuid):
            return

    async def is_consumed_elsewhere(self, client_uuid: str) -> bool:
        """True when another gateway has a connection of this client, and so consumes its held answers."""
        if client_uuid in self._tags:
            return False
        async with self._declares:
            channel = await self._declaring_channel()
            try:
                queue = await channel.declare_queue(self._queue(client_uuid).name, passive=True, timeout=TIMEOUT)
            except exceptions.ChannelNotFoundEntity:
                return False
            return bool(queue.declaration_result.consumer_count)

    def _queue(self, client_uuid: str) -> Queue:
        return held_queue(client_uuid, self._resume_window)

    async def _declare(self, queue: Queue) -> None:
        async with self._declares:
            channel = await self._declaring_channel()
            try:
                await channel.declare_queue(
                    queue.name, durable=queue.durable, arguments=dict(queue.arguments), timeout=TIMEOUT
                )
            except exceptions.ChannelPreconditionFailed as error:
                # There already, from a time with another resume_window: as good as ours.
                log.info(f"the queue {queue.name} was declared with other arguments and is used as it is: {error}")

    async def _declaring_channel(self) -> AbstractChannel:
        if self._declaring is None or self._declaring.is_closed:
            self._declaring = self._connection.channel(publisher_confirms=False)
            async with asyncio.timeout(TIMEOUT):
                await self._declaring.initialize()
        return self._declaring

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
