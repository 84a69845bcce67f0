"""The fanout exchanges: cancellations to OCR servers, announcements from them. A part of `broker`.

Best effort: no image needs them. They have channels of their own, because the broker closes a channel to say no.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from typing import Final

import aio_pika
from aio_pika import ExchangeType, exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue

from protocol.control import Announcement, Cancelled, decode_announcement, encode_cancel
from protocol.messages import UndecodableMessage
from protocol.topology import ANNOUNCE_EXCHANGE, CONTROL_EXCHANGE, EXCHANGES

from .lost_channels import or_lost

log = logging.getLogger("WebSocket server")

TIMEOUT: Final = 3.0

OnAnnouncement = Callable[[Announcement], None]


class Fanouts:
    """The exchanges on one connection to the broker."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._cancelling: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._listening: AbstractChannel | None = None
        self._queue: AbstractQueue | None = None

    async def open(self, on_announcement: OnAnnouncement) -> None:
        """See that they are there, and have each announcement told from now on; safe to call again, to make sure.

        Raises nothing: it says what failed.
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                for name in EXCHANGES:
                    await or_lost(self._declare(name))
                await or_lost(self._listen(on_announcement))
        except Exception as error:  # noqa: BLE001 - aiormq's come in every kind
            log.warning(f"{' and '.join(EXCHANGES)} cannot be used ({error!r}); images are read all the same")

    async def cancel(self, cancelled: Cancelled, until: float) -> None:
        """Tell the OCR servers. until: seconds since the epoch; images that were published later are to be read.

        Raises what aiormq raises.
        """
        async with asyncio.timeout(TIMEOUT):
            exchange = await (await self._cancelling_channel()).get_exchange(CONTROL_EXCHANGE, ensure=False)
            message = aio_pika.Message(
                encode_cancel(cancelled),
                content_type="application/json",
                timestamp=dt.datetime.fromtimestamp(until, dt.UTC),
            )
            await or_lost(exchange.publish(message, "", mandatory=False))

    async def _cancelling_channel(self) -> AbstractChannel:
        async with self._opening:  # one that is being opened counts as closed
            if self._cancelling is None or self._cancelling.is_closed:
                self._cancelling = self._connection.channel(publisher_confirms=False)
                await or_lost(self._cancelling.initialize())
            return self._cancelling

    async def _declare(self, name: str) -> None:
        """One that is there already is used as it is, whoever declared it."""
        if not await self._is_there(name):
            async with self._connection.channel(publisher_confirms=False) as channel:
                try:
                    await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
                except exceptions.ChannelPreconditionFailed as error:
                    log.info(f"somebody else has just declared the exchange {name} in another way: {error}")

    async def _is_there(self, name: str) -> bool:
        async with self._connection.channel(publisher_confirms=False) as channel:
            try:
                await channel.declare_exchange(name, ExchangeType.FANOUT, passive=True)
            except exceptions.ChannelNotFoundEntity:
                return False
        return True

    async def _listen(self, on_announcement: OnAnnouncement) -> None:
        async def heard(message: AbstractIncomingMessage) -> None:
            try:
                on_announcement(decode_announcement(message.body))
            except UndecodableMessage as error:
                log.warning(f"an announcement that cannot be decoded is ignored: {error}")

        if self._listening is not None and self._queue is not None and not self._listening.is_closed:
            await self._queue.bind(ANNOUNCE_EXCHANGE)  # again: a deleted exchange takes its bindings with it
            return
        channel = self._connection.channel(publisher_confirms=False)
        await channel.initialize()
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await queue.bind(ANNOUNCE_EXCHANGE)
        await queue.consume(heard, no_ack=True)
        self._listening, self._queue = channel, queue
