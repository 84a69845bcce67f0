"""The gateway's side of RabbitMQ: publishes images, takes answers. The only user of aio-pika; its errors end here.

Connections are aio-pika's plain ones, opened again by `Broker.run` as a whole: after any loss everything is declared
and consumed anew, so no half-restored state is left behind (docs/decisions.md, "Why not connect_robust?"). Publishing
and consuming have a connection each, because a broker under alarm stops reading from those that publish.
"""

import asyncio
import contextlib
import datetime as dt
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage
from pamqp.exceptions import PAMQPException

from protocol.bodies import OcrAnswer, OcrRequest, decode_answer, encode_request
from protocol.errors import ErrorCode, Refusal
from protocol.messages import UndecodableMessage
from protocol.topology import DEAD_LETTER_QUEUE, PENDING_QUEUE, explain_mismatch, queues
from settings.event_log import ids
from settings.schema import RabbitMQ

log = logging.getLogger("WebSocket server")

BROKER_ERRORS: Final = (
    exceptions.AMQPError,
    exceptions.ChannelInvalidStateError,
    PAMQPException,
    OSError,
    TimeoutError,
)
"""What can go wrong with a connection; narrower than aio-pika's own list, which takes every RuntimeError."""

PUBLISH_TIMEOUT: Final = 4.0
"""Seconds until an image that the broker does not confirm is refused; a refusal must reach the client within 5."""

CONNECT_TIMEOUT: Final = 10.0
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 5.0
PREFETCH: Final = 100
"""Answers on their way to clients at a time; each is handed over at once, so it bounds memory, not speed."""

Deliver = Callable[[str | None, OcrAnswer], None]


class QueuesDiffer(Exception):
    """A queue is there with other arguments; the message names queue, argument and remedy."""


class Broker:
    """Publishes images and hands over answers, reconnecting for as long as `run` runs.

    deliver: called with correlation_id (None: there is none) and answer; the answer is acknowledged when it returns.
    """

    def __init__(self, settings: RabbitMQ, deliver: Deliver) -> None:
        self._settings = settings
        self._deliver = deliver
        self._exchange: AbstractExchange | None = None
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """True while images can be published and answers taken."""
        return self._ready.is_set()

    async def run(self) -> None:
        """Keep the connections up until cancelled. Raises QueuesDiffer."""
        delay, has_said = FIRST_BACKOFF, False
        where = f"{self._settings.host}:{self._settings.port}"
        while True:
            try:
                async with self._connected():
                    log.info(f"connected to the broker at {where}")
                    delay, has_said = FIRST_BACKOFF, False
                    self._ready.set()
                    await self._lost.wait()
            except exceptions.ChannelPreconditionFailed as error:
                raise QueuesDiffer(explain_mismatch(str(error))) from error
            except BROKER_ERRORS as error:
                if not has_said:
                    reason = f"{type(error).__name__}: {error}".rstrip(": ")
                    log.warning(f"no broker at {where} ({reason}); trying again until it is there")
                    has_said = True
            else:
                log.warning(f"the connection to the broker at {where} is lost; connecting again")
                has_said = True
            finally:
                self._ready.clear()
            # Jitter, so that many gateways do not come back in the same instant.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
            delay = min(2 * delay, LONGEST_BACKOFF)

    async def publish(self, message_id: str, request: OcrRequest) -> None:
        """Put an image into the queue; returns once the broker has confirmed it.

        Raises Refusal QUEUE_FULL, or UNAVAILABLE: then it is not known whether the broker has the image, and an answer
        to it may still come.
        """
        body, headers, content_type = encode_request(request, self._settings.body)
        message = aio_pika.Message(
            body,
            headers=dict(headers),
            content_type=content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=message_id,
            timestamp=dt.datetime.now(dt.UTC),
            reply_to=self._settings.result_queue,
        )
        try:
            # aio-pika's own timeout would not cover the wait for a connection.
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                await self._ready.wait()
                assert self._exchange is not None
                await self._exchange.publish(message, PENDING_QUEUE, mandatory=True)
        except exceptions.PublishError as error:  # returned as unroutable: the queue has been deleted
            self._lost.set()
            raise Refusal(ErrorCode.UNAVAILABLE) from error
        except exceptions.DeliveryError as error:
            raise Refusal(ErrorCode.QUEUE_FULL) from error
        except BROKER_ERRORS as error:
            raise Refusal(ErrorCode.UNAVAILABLE) from error

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        self._lost = asyncio.Event()
        async with (
            self._channel("publishes images", publisher_confirms=True, on_return_raises=True) as publishing,
            # Acknowledgements are all that the consuming channel sends.
            self._channel("consumes answers", publisher_confirms=False) as consuming,
        ):
            await self._declare(publishing)
            self._exchange = publishing.default_exchange
            await self._consume(consuming)
            yield

    @contextlib.asynccontextmanager
    async def _channel(self, name: str, **confirms: bool) -> AsyncIterator[AbstractChannel]:
        connection = await self._connect(name)
        try:
            channel = connection.channel(**confirms)
            connection.close_callbacks.add(self._on_loss)
            channel.close_callbacks.add(self._on_loss)
            await _open(channel)
            yield channel
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

    async def _consume(self, channel: AbstractChannel) -> None:
        await channel.set_qos(prefetch_count=PREFETCH)
        # The broker may end a consumer and leave its channel open, as when the queue is deleted.
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(self._on_loss)
        queue = await channel.get_queue(self._settings.result_queue, ensure=False)
        await queue.consume(self._on_answer, timeout=CONNECT_TIMEOUT)

    def _on_loss(self, *_: Any) -> None:
        self._lost.set()

    async def _on_answer(self, message: AbstractIncomingMessage) -> None:
        try:
            answer = decode_answer(message.body)
        except UndecodableMessage as error:
            log.error(
                f"an answer that cannot be decoded goes to {DEAD_LETTER_QUEUE}: {error}",
                extra=ids(correlation_id=message.correlation_id),
            )
            await message.reject(requeue=False)
            return
        self._deliver(message.correlation_id, answer)
        await message.ack()


async def _open(channel: AbstractChannel) -> None:
    try:
        await asyncio.wait_for(channel.initialize(), CONNECT_TIMEOUT)
    except RuntimeError as error:  # so aiormq says that the connection was lost meanwhile
        raise ConnectionError(str(error)) from error


async def _close(connection: AbstractConnection) -> None:
    # A broker that has gone cannot answer a close; the socket is given up then.
    with contextlib.suppress(*BROKER_ERRORS):
        await asyncio.wait_for(connection.close(), 3)
