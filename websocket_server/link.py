"""One span of being connected to the broker: its connections, channels and consumers, opened and closed as one.

Publishing and consuming have a connection each, because a broker under alarm stops reading from those that publish. A
part of `broker`, as `held_queues`, `fanouts` and `deliveries` are; nobody else uses aio-pika.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelAccessRefused

from protocol.topology import PENDING_QUEUE, queues
from settings.schema import RabbitMQ

from .batches import channel_of
from .deliveries import Settling
from .fanouts import Fanouts, OnAnnouncement
from .held_consumers import HeldConsumers, OnHeld
from .held_queues import HeldQueues
from .lost_channels import or_lost
from .odd_properties import tolerate
from .publisher import Publisher

log = logging.getLogger("WebSocket server")

CONNECT_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 3.0
PREFETCH: Final = 2000
"""Answers that are not acknowledged at a time; far more than clients may owe a Received for (`unreceived.py`)."""

HELD_CHANNELS: Final = 8
"""Channels on which held answers are taken: a channel answers one question after another, and when a gateway is back
all its clients resume at once."""

CONSUMER_CHECK: Final = 5.0
"""Seconds between looks at whether the broker still knows our consumer: when a queue is deleted and at once declared
again by somebody else, RabbitMQ 3.10 forgets its consumers without a word."""

FANOUT_CHECK: Final = 6
"""Looks at the consumer until the exchanges for cancellations and announcements are made sure of again."""

OnAnswer = Callable[[Settling, DeliveredMessage], Coroutine[Any, Any, None]]
"""Called with a message, and what settles it on the channel that it came by."""


class Link:
    """What there is while the broker is reached. `lost` is set when it ends, and never cleared.

    on_loss: called once with the link when it is lost.
    """

    def __init__(self, settings: RabbitMQ, on_loss: Callable[["Link"], None]) -> None:
        tolerate()
        self._settings = settings
        self._on_loss = on_loss
        self.lost = asyncio.Event()
        self.publisher: Publisher
        self.held: HeldQueues
        self.fanouts: Fanouts
        self._ends: list[Callable[[], None]] = []  # called when it is lost
        self._consuming: AbstractChannel
        self._settling: Settling
        self._on_announcement: OnAnnouncement
        self._tag = ""
        self._has_stopped = False  # consuming, at our own wish

    def lose(self, *_: Any) -> None:
        """Have everything made anew; safe to call twice."""
        if not self.lost.is_set():
            self._end()
            self._on_loss(self)

    def _end(self) -> None:
        """Nothing that came by it is to be settled now, and nothing confirmed."""
        self.lost.set()
        for end in self._ends:
            end()

    @contextlib.asynccontextmanager
    async def opened(
        self,
        resume_window: float,
        on_answer: OnAnswer,
        on_held: OnHeld,
        on_held_loss: Callable[[], None],
        on_announcement: OnAnnouncement,
    ) -> AsyncIterator[None]:
        """Connect, declare and consume; close in the end. Raises whatever aiormq raises.

        on_held_loss: called when held queues are not consumed any more, and are to be taken up anew.
        """
        async with self._connection("publishes images") as out, self._connection("consumes answers") as back:
            try:
                publishing = await self._channel(out, publisher_confirms=True, on_return_raises=True)
                holding = await self._channel(out, publisher_confirms=True, on_return_raises=True)
                # Acknowledgements are all that the consuming channel sends.
                self._consuming = await self._channel(back, publisher_confirms=False)
                await self._declare(publishing)
                self.publisher = Publisher(await channel_of(publishing), PENDING_QUEUE, self._settings.result_queue)
                self._settling = Settling(await channel_of(self._consuming), self.lost)
                consumers = [HeldConsumers(back, on_held, on_held_loss) for _ in range(HELD_CHANNELS)]
                self._ends += [self.publisher.end, self._settling.end, *(one.end for one in consumers)]
                self.held = HeldQueues(holding, back, consumers, resume_window)
                self.fanouts = Fanouts(out)
                self._on_announcement = on_announcement
                await self.fanouts.open(on_announcement)
                await self._consume(on_answer)
                yield
            finally:
                self._end()  # before anything is closed

    async def watch(self) -> None:
        """Wait until it is lost, or the consumer is, of which RabbitMQ does not always tell."""
        looks = 0
        while not self.lost.is_set() and (self._has_stopped or await self._is_consuming()):
            looks += 1
            if looks % FANOUT_CHECK == 0:
                await self.fanouts.open(self._on_announcement)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CONSUMER_CHECK):
                    await self.lost.wait()

    async def settled(self) -> None:
        """Wait until what was acknowledged or given back is so at the broker, as far as we can tell."""
        await self._settling.said()
        await self.held.settled()

    async def stop_consuming(self) -> None:
        """Take no more answers: those that come from now on stay in the queue."""
        self._has_stopped = True
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await or_lost((await channel_of(self._consuming)).basic_cancel(self._tag))
        except Exception as error:  # noqa: BLE001 - aiormq's come in every kind
            log.debug(f"a consumer ends with its connection: {error!r}")

    @contextlib.asynccontextmanager
    async def _connection(self, name: str) -> AsyncIterator[AbstractConnection]:
        connection = await self._connect(name)
        try:
            connection.close_callbacks.add(self.lose)
            yield connection
        finally:
            await _close(connection)

    async def _connect(self, name: str) -> AbstractConnection:
        settings = self._settings
        return await aio_pika.connect(
            host=settings.host,
            port=settings.port,
            login=settings.account,
            password=settings.password,
            virtualhost=settings.virtual_host,
            ssl=settings.tls,
            timeout=CONNECT_TIMEOUT,
            heartbeat=settings.heartbeat,
            client_properties={"connection_name": f"gateway, {name}"},
        )

    async def _declare(self, channel: AbstractChannel) -> None:
        settings = self._settings
        for queue in queues(
            settings.queue_type, settings.result_queue, settings.max_pending, settings.max_pending_bytes
        ):
            await channel.declare_queue(
                queue.name, durable=queue.durable, arguments=dict(queue.arguments), timeout=CONNECT_TIMEOUT
            )

    async def _consume(self, on_answer: OnAnswer) -> None:
        if await self._is_consuming():
            log.warning(
                f"somebody takes answers from {self._settings.result_queue} already: if it is another gateway, "
                "give each a [RabbitMQ] result_queue of its own, or they take each other's"
            )
        await self._consuming.set_qos(prefetch_count=PREFETCH)
        consumed = await (await channel_of(self._consuming)).basic_consume(
            self._settings.result_queue, functools.partial(on_answer, self._settling), timeout=CONNECT_TIMEOUT
        )
        self._tag = str(consumed.consumer_tag)

    async def _is_consuming(self) -> bool:
        queue = await self._consuming.declare_queue(self._settings.result_queue, passive=True, timeout=CONNECT_TIMEOUT)
        return bool(queue.declaration_result.consumer_count)

    async def _channel(self, connection: AbstractConnection, **confirms: bool) -> AbstractChannel:
        channel = connection.channel(**confirms)
        channel.close_callbacks.add(self.lose)
        await asyncio.wait_for(channel.initialize(), CONNECT_TIMEOUT)
        # The broker may end a consumer and leave its channel open, as when the queue is deleted.
        (await channel_of(channel)).on_consumer_cancel_callbacks.add(self.lose)
        return channel


def explain(error: Exception, where: str) -> str:
    """Why the broker is not reached, in words a person can act on. where: its host and port."""
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, exceptions.AuthenticationError | exceptions.ProbableAuthenticationError):
        return f"the broker at {where} does not let us in ({reason}): correct [RabbitMQ] account and password"
    if isinstance(error, ChannelAccessRefused):
        return (
            f"the broker at {where} refuses something to our account ({reason}); trying again: an OCR server may still "
            "have to declare its queue. If it stays so, correct the account's rights (docs/security.md)"
        )
    if isinstance(error, exceptions.InvalidFrameError):  # so aiormq says that the broker closed at once
        return f"the broker at {where} has no virtual host for us: correct [RabbitMQ] virtual_host"
    return f"no broker at {where} ({reason}); trying again until it is there"


async def _close(connection: AbstractConnection) -> None:
    try:
        await asyncio.wait_for(or_lost(connection.close()), CLOSE_TIMEOUT)
    except Exception as error:  # noqa: BLE001 - aiormq's come in every kind
        log.debug(f"a broker that has gone does not answer the close: {error!r}")
