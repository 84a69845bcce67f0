"""The queues that keep the answers of absent clients, `held.<ClientUUID>`. A part of `broker`.

Made anew with each connection to the broker. Declaring has a channel of its own, which the broker closes when it
refuses something; publishing is not disturbed by that, and neither is consuming (`held_consumers`).
"""

import asyncio
import functools
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

AT_A_TIME: Final = 16  # declarations that are under way


class HeldQueues:
    """The held queues on one connection to the broker. Everything raises what aiormq raises.

    publishing: a channel with confirms. connection: for declarations, on channels of their own.
    """

    def __init__(
        self,
        publishing: AbstractChannel,
        connection: AbstractConnection,
        consumers: HeldConsumers,
        resume_window: float,
    ) -> None:
        self._publishing = publishing
        self.consumers = consumers
        self._resume_window = resume_window
        # Holding does not wait behind a crowd of clients that resume.
        self._for_holding, self._for_consuming = _Declarations(connection), _Declarations(connection)

    async def hold(self, answer: OcrAnswer, *, is_pending_said: bool) -> None:
        """Keep a copy of an answer for its client; returns once the broker has confirmed it."""
        queue = self._queue(answer.client_uuid)
        await self._for_holding.declare(queue)  # each time: it renews the queue's time, which publishing does not
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
        declare = functools.partial(self._for_consuming.declare, queue)
        await self.consumers.start(client_uuid, queue.name, most, declare)

    async def stop(self, client_uuid: str) -> None:
        """Take the client's held answers no more; does nothing when they are not taken."""
        await self.consumers.stop(client_uuid)

    async def is_consumed_elsewhere(self, client_uuid: str) -> bool:
        """True when another gateway has a connection of this client, and so consumes its held answers."""
        if client_uuid in self.consumers:
            return False
        return bool(await self._for_holding.consumers_of(self._queue(client_uuid)))

    def _queue(self, client_uuid: str) -> Queue:
        return held_queue(client_uuid, self._resume_window)


class _Declarations:
    """Declares queues on a channel of its own, which the broker closes when it refuses something."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(AT_A_TIME)

    async def declare(self, queue: Queue) -> None:
        """See that the queue is there."""
        async with self._places:
            channel = await self._open_channel()
            try:
                await channel.declare_queue(
                    queue.name, durable=queue.durable, arguments=dict(queue.arguments), timeout=TIMEOUT
                )
            except exceptions.ChannelPreconditionFailed as error:
                # There already, from a time with another resume_window: as good as ours.
                log.info(f"the queue {queue.name} was declared with other arguments and is used as it is: {error}")

    async def consumers_of(self, queue: Queue) -> int:
        """How many consumers the queue has; 0 when it is not there."""
        async with self._places, self._connection.channel(publisher_confirms=False) as channel:
            try:
                found = await channel.declare_queue(queue.name, passive=True, timeout=TIMEOUT)
            except exceptions.ChannelNotFoundEntity:
                return 0
            return found.declaration_result.consumer_count or 0

    async def _open_channel(self) -> AbstractChannel:
        async with self._opening:  # one that is being opened counts as closed
            if self._channel is None or self._channel.is_closed:
                self._channel = self._connection.channel(publisher_confirms=False)
                async with asyncio.timeout(TIMEOUT):
                    await self._channel.initialize()
            return self._channel
