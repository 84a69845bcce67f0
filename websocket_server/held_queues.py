"""The queues that keep the answers of absent clients, `held.<ClientUUID>`. A part of `broker`.

Made anew with each connection to the broker. Declaring has a channel of its own, which the broker closes when it
refuses something; publishing is not disturbed by that, and neither is consuming (`held_consumers`).
"""

import asyncio
import logging
from typing import Final

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection

from protocol.bodies import OcrAnswer, encode_answer
from protocol.topology import Queue, held_queue

from .deliveries import PENDING_SAID
from .held_consumers import HeldConsumers

log = logging.getLogger("WebSocket server")

TIMEOUT: Final = 10.0
"""Seconds for one exchange with the broker."""


class HeldQueues:
    """The held queues on one connection to the broker. Everything raises what aiormq raises.

    publishing: a channel with confirms. connection: for declarations, on a channel of their own.
    """

    def __init__(
        self,
        publishing: AbstractChannel,
        connection: AbstractConnection,
        consumers: HeldConsumers,
        resume_window: float,
    ) -> None:
        self._publishing = publishing
        self._connection = connection
        self.consumers = consumers
        self._resume_window = resume_window
        self._declaring: AbstractChannel | None = None
        self._declares = asyncio.Lock()

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

    async def consume(self, client_uuid: str, most: int) -> None:
        """Take the client's held answers from now on, `most` at a time."""
        queue = self._queue(client_uuid)
        await self._declare(queue)
        await self.consumers.start(client_uuid, queue.name, most)

    async def stop(self, client_uuid: str) -> None:
        """Take the client's held answers no more."""
        await self.consumers.stop(client_uuid, self._queue(client_uuid).name)

    async def is_consumed_elsewhere(self, client_uuid: str) -> bool:
        """True when another gateway has a connection of this client, and so consumes its held answers."""
        if client_uuid in self.consumers:
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
