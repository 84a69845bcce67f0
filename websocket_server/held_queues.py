"""The queues that keep the answers of absent clients, `held.<ClientUUID>`. A part of `broker`.

Made anew with each connection to the broker. Declaring has a channel of its own, which the broker closes when it
refuses something; publishing is not disturbed by that, and neither is consuming (`held_consumers`).
"""

import asyncio
import functools
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
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

ON_DISK_AFTER: Final = 3.0
"""Seconds after its declaration until a queue survives a SIGKILL of its broker for certain. Mnesia, which keeps it, may
leave up to 2 s in memory that its transaction was committed, and takes it back without (seen on RabbitMQ 3.10)."""

REMEMBERED: Final = 10_000  # queues whose age is known
AT_A_TIME: Final = 16
"""Declarations that are under way, each on a channel of its own: a channel answers one question after another."""


class HeldQueues:
    """The held queues on one connection to the broker. Everything raises what aiormq raises.

    publishing: a channel with confirms. connection: for declarations, on channels of their own. consumers: which one a
    client's are goes by its ClientUUID.
    """

    def __init__(
        self,
        publishing: AbstractChannel,
        connection: AbstractConnection,
        consumers: Sequence[HeldConsumers],
        resume_window: float,
    ) -> None:
        self._publishing = publishing
        self._consumers = consumers
        self._resume_window = resume_window
        self._declared_at: OrderedDict[str, float] = OrderedDict()  # by name, the oldest first
        # Holding does not wait behind a crowd of clients that resume.
        self._for_holding, self._for_consuming = _Declarations(connection), _Declarations(connection)

    async def hold(self, answer: OcrAnswer, *, is_pending_said: bool) -> float:
        """Keep a copy of an answer for its client; returns once the broker has confirmed it.

        Returns the seconds until the copy is safe: a queue may be too young to survive the broker's sudden end.
        """
        queue = self._queue(answer.client_uuid)
        await self._for_holding.declare(queue)  # each time: it renews the queue's time, which publishing does not
        on_disk_at = self._on_disk_at(queue.name, time.monotonic())
        message = aio_pika.Message(
            encode_answer(answer),
            headers={PENDING_SAID: is_pending_said},
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        async with asyncio.timeout(TIMEOUT):
            await self._publishing.default_exchange.publish(message, queue.name, mandatory=True)
        return max(0.0, on_disk_at - time.monotonic())

    def _on_disk_at(self, name: str, now: float) -> float:
        """When a queue that is there now will be on disk, at the latest. One that may have expired counts as new."""
        declared_at = self._declared_at.get(name)
        if declared_at is None or now >= declared_at + self._resume_window:
            declared_at = self._declared_at[name] = now
            self._declared_at.move_to_end(name)
            if len(self._declared_at) > REMEMBERED:
                self._declared_at.popitem(last=False)
        return declared_at + ON_DISK_AFTER

    async def consume(self, client_uuid: str, most: int) -> None:
        """Take the client's held answers from now on, `most` at a time."""
        queue = self._queue(client_uuid)
        declare = functools.partial(self._for_consuming.declare, queue)
        await self._consumers_of(client_uuid).start(client_uuid, queue.name, most, declare)

    async def stop(self, client_uuid: str) -> None:
        """Take the client's held answers no more; does nothing when they are not taken."""
        await self._consumers_of(client_uuid).stop(client_uuid)

    async def is_consumed_elsewhere(self, client_uuid: str) -> bool:
        """True when another gateway has a connection of this client, and so consumes its held answers."""
        if client_uuid in self._consumers_of(client_uuid):
            return False
        return bool(await self._for_holding.consumers_of(self._queue(client_uuid)))

    async def settled(self) -> None:
        """Wait until what was settled is so at the broker, as far as we can tell."""
        for one in self._consumers:
            await one.settled()

    def _consumers_of(self, client_uuid: str) -> HeldConsumers:
        return self._consumers[hash(client_uuid) % len(self._consumers)]

    def _queue(self, client_uuid: str) -> Queue:
        return held_queue(client_uuid, self._resume_window)


class _Declarations:
    """Declares queues, on channels of its own: the broker closes a channel when it refuses something."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._idle: list[AbstractChannel] = []
        self._places = asyncio.Semaphore(AT_A_TIME)

    async def declare(self, queue: Queue) -> None:
        """See that the queue is there."""
        async with self._places:
            channel = await self._channel()
            try:
                await channel.declare_queue(
                    queue.name, durable=queue.durable, arguments=dict(queue.arguments), timeout=TIMEOUT
                )
            except exceptions.ChannelPreconditionFailed as error:
                # There already, from a time with another resume_window: as good as ours.
                log.info(f"the queue {queue.name} was declared with other arguments and is used as it is: {error}")
            finally:
                self._idle.append(channel)

    async def consumers_of(self, queue: Queue) -> int:
        """How many consumers the queue has; 0 when it is not there."""
        async with self._places, self._connection.channel(publisher_confirms=False) as channel:
            try:
                found = await channel.declare_queue(queue.name, passive=True, timeout=TIMEOUT)
            except exceptions.ChannelNotFoundEntity:
                return 0
            return found.declaration_result.consumer_count or 0

    async def _channel(self) -> AbstractChannel:
        while self._idle:
            channel = self._idle.pop()
            if not channel.is_closed:
                return channel
        channel = self._connection.channel(publisher_confirms=False)
        async with asyncio.timeout(TIMEOUT):
            await channel.initialize()
        return channel
