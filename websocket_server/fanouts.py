"""The fanout exchanges: cancellations to OCR servers, announcements from them. Best effort. One user of aio-pika."""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from typing import Final

import aio_pika
from aio_pika import ExchangeType, exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage

from protocol.control import Announcement, Cancelled, decode_announcement, encode_cancel
from protocol.messages import UndecodableMessage
from protocol.topology import ANNOUNCE_EXCHANGE, CONTROL_EXCHANGE

log = logging.getLogger("WebSocket server")

TIMEOUT: Final = 10.0

OnAnnouncement = Callable[[Announcement], None]


async def declared(connection: AbstractConnection, name: str) -> None:
    """See that the exchange is there; one that is there already is used as it is, whoever declared it."""
    if not await _is_there(connection, name):
        async with asyncio.timeout(TIMEOUT), connection.channel(publisher_confirms=False) as channel:
            try:
                await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
            except exceptions.ChannelPreconditionFailed as error:
                log.info(f"somebody else has just declared the exchange {name} in another way: {error}")


async def _is_there(connection: AbstractConnection, name: str) -> bool:
    # A channel for this question alone: the broker closes it to say no.
    async with asyncio.timeout(TIMEOUT), connection.channel(publisher_confirms=False) as channel:
        try:
            await channel.declare_exchange(name, ExchangeType.FANOUT, passive=True)
        except exceptions.ChannelNotFoundEntity:
            return False
    return True


async def cancelling(channel: AbstractChannel, cancelled: Cancelled, until: float) -> None:
    """Tell the OCR servers. until: seconds since the epoch; images that were published later are to be read."""
    exchange: AbstractExchange = await channel.get_exchange(CONTROL_EXCHANGE, ensure=False)
    message = aio_pika.Message(
        encode_cancel(cancelled),
        content_type="application/json",
        timestamp=dt.datetime.fromtimestamp(until, dt.UTC),
    )
    async with asyncio.timeout(TIMEOUT):
        await exchange.publish(message, "", mandatory=False)


async def listen(channel: AbstractChannel, on_announcement: OnAnnouncement) -> None:
    """Have each announcement told from now on."""

    async def heard(message: AbstractIncomingMessage) -> None:
        try:
            on_announcement(decode_announcement(message.body))
        except UndecodableMessage as error:
            log.warning(f"an announcement that cannot be decoded is ignored: {error}")

    async with asyncio.timeout(TIMEOUT):
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await queue.bind(ANNOUNCE_EXCHANGE)
        await queue.consume(heard, no_ack=True)
