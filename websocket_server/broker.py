"""The gateway's side of RabbitMQ: publishes images, takes answers. The only user of aio-pika; its errors end here.

Connections are aio-pika's plain ones, opened again by `Broker.run` as a whole: after any loss everything is declared
and consumed anew, so no half-restored state is left behind (docs/decisions.md, "Why not connect_robust?"). Publishing
and consuming have a connection each, because a broker under alarm stops reading from those that publish.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage

from protocol.bodies import OcrAnswer, OcrRequest, decode_answer, encode_request
from protocol.errors import ErrorCode, Refusal
from protocol.messages import UndecodableMessage
from protocol.topology import DEAD_LETTER_QUEUE, PENDING_QUEUE, QueuesDiffer, explain_mismatch, queues
from settings.event_log import ids
from settings.schema import RabbitMQ

log = logging.getLogger("WebSocket server")

PUBLISH_TIMEOUT: Final = 4.0
"""Seconds until an image that the broker does not confirm is refused; a refusal must reach the client within 5."""

CONNECT_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 3.0
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 5.0
PREFETCH: Final = 100
"""Answers on their way to clients at a time; each is handed over at once, so it bounds memory, not speed."""

CONSUMER_CHECK: Final = 5.0
"""Seconds between looks at whether the broker still knows our consumer: when a queue is deleted and at once declared
again by somebody else, RabbitMQ 3.10 forgets its consumers without a word."""

Deliver = Callable[[str | None, OcrAnswer], None]
IsConsuming = Callable[[], Awaitable[bool]]


class Broker:
    """Publishes images and hands over answers, reconnecting for as long as `run` runs.

    deliver: called with correlation_id (None: there is none) and answer; the answer is acknowledged when it returns.
    """

    def __init__(self, settings: RabbitMQ, deliver: Deliver) -> None:
        self._settings = settings
        self._deliver = deliver
        self._exchange: AbstractExchange | None = None
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()  # of the connections that are up, or were last

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
                async with self._connected() as (lost, is_consuming):
                    log.info(f"connected to the broker at {where}")
                    delay, has_said = FIRST_BACKOFF, False
                    self._ready.set()
                    await _watch(lost, is_consuming)
                    log.warning(f"the connection to the broker at {where} is lost; connecting again")
                    has_said = True
            except Exception as error:  # aiormq's come in every kind, a bare Exception among them
                if isinstance(error, exceptions.ChannelPreconditionFailed) and "inequivalent" in str(error):
                    raise QueuesDiffer(explain_mismatch(str(error))) from error
                if not has_said:
                    log.warning(_explain(error, where))
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
            self._lose(self._lost)
            raise Refusal(ErrorCode.UNAVAILABLE) from error
        except exceptions.DeliveryError as error:
            raise Refusal(ErrorCode.QUEUE_FULL) from error
        except asyncio.CancelledError as error:
            # Unless somebody cancels us, it is aiormq that cancels what a lost channel still owes.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise Refusal(ErrorCode.UNAVAILABLE) from error
        except Exception as error:  # of every kind, as above; whatever it is, the image is not confirmed
            raise Refusal(ErrorCode.UNAVAILABLE) from error

    def _lose(self, lost: asyncio.Event, *_: Any) -> None:
        """Have the connections made anew that `lost` belongs to; in vain for those that were before."""
        lost.set()
        if lost is self._lost:
            self._ready.clear()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.Event, IsConsuming]]:
        """The connections, up and declared and consuming; the event tells when they are lost."""
        self._lost = lost = asyncio.Event()
        on_loss = functools.partial(self._lose, lost)
        async with (
            self._channel("publishes images", on_loss, publisher_confirms=True, on_return_raises=True) as publishing,
            # Acknowledgements are all that the consuming channel sends.
            self._channel("consumes answers", on_loss, publisher_confirms=False) as consuming,
        ):
            await self._declare(publishing)
            self._exchange = publishing.default_exchange
            # The broker may end a consumer and leave its channel open, as when the queue is deleted.
            (await consuming.get_underlay_channel()).on_consumer_cancel_callbacks.add(on_loss)
            await self._consume(consuming)
            yield lost, functools.partial(self._is_consuming, consuming)

    @contextlib.asynccontextmanager
    async def _channel(
        self, name: str, on_loss: Callable[..., None], **confirms: bool
    ) -> AsyncIterator[AbstractChannel]:
        connection = await self._connect(name)
        try:
            channel = connection.channel(**confirms)
            connection.close_callbacks.add(on_loss)
            channel.close_callbacks.add(on_loss)
            await asyncio.wait_for(channel.initialize(), CONNECT_TIMEOUT)
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
        if await self._is_consuming(channel):
            log.warning(
                f"somebody takes answers from {self._settings.result_queue} already: if it is another gateway, "
                "give each a [RabbitMQ] result_queue of its own, or they take each other's"
            )
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(self._settings.result_queue, ensure=False)
        await queue.consume(self._on_answer, timeout=CONNECT_TIMEOUT)

    async def _is_consuming(self, channel: AbstractChannel) -> bool:
        queue = await channel.declare_queue(self._settings.result_queue, passive=True, timeout=CONNECT_TIMEOUT)
        return bool(queue.declaration_result.consumer_count)

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


def _explain(error: Exception, where: str) -> str:
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, exceptions.AuthenticationError | exceptions.ProbableAuthenticationError):
        return f"the broker at {where} does not let us in ({reason}): correct [RabbitMQ] account and password"
    if isinstance(error, exceptions.InvalidFrameError):  # so aiormq says that the broker closed at once
        return f"the broker at {where} has no virtual host for us: correct [RabbitMQ] virtual_host"
    return f"no broker at {where} ({reason}); trying again until it is there"


async def _watch(lost: asyncio.Event, is_consuming: IsConsuming) -> None:
    """Wait until the connections are lost, or the consumer is, of which RabbitMQ does not always tell."""
    while not lost.is_set() and await is_consuming():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONSUMER_CHECK):
                await lost.wait()


async def _close(connection: AbstractConnection) -> None:
    try:
        await asyncio.wait_for(connection.close(), CLOSE_TIMEOUT)
    except Exception as error:  # noqa: BLE001 - of every kind, as above
        log.debug(f"a broker that has gone does not answer the close: {error!r}")
