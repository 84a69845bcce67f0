"""The gateway's side of RabbitMQ: publishes images, takes answers. aio-pika's errors end here.

`held_queues`, `fanouts` and `deliveries` are parts of it; nobody else uses aio-pika. Connections are aio-pika's plain
ones, opened again by `Broker.run` as a whole: after any loss everything is declared and consumed anew, so no
half-restored state is left behind (docs/decisions.md, "Why not connect_robust?"). Publishing and consuming have a
connection each, because a broker under alarm stops reading from those that publish.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
)

from protocol.bodies import OcrAnswer, OcrProgress, OcrRequest, decode_answer, encode_request
from protocol.control import Announcement, Cancelled
from protocol.errors import ErrorCode, Refusal
from protocol.messages import UndecodableMessage
from protocol.topology import (
    DEAD_LETTER_QUEUE,
    EXCHANGES,
    PENDING_QUEUE,
    QueuesDiffer,
    explain_mismatch,
    queues,
)
from settings.event_log import ids
from settings.schema import RabbitMQ

from . import fanouts, held_queues
from .deliveries import BrokerDelivery
from .held_queues import HeldQueues

log = logging.getLogger("WebSocket server")

PUBLISH_TIMEOUT: Final = 4.0
"""Seconds until an image that the broker does not confirm is refused; a refusal must reach the client within 5."""

CONNECT_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 3.0
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 5.0
PREFETCH: Final = 2000
"""Answers that are not acknowledged at a time; far more than clients may owe a Received for (`unreceived.py`)."""

HOLD_RETRY: Final = 1.0
"""Seconds until an answer that could not be held is tried again."""

CONSUMER_CHECK: Final = 5.0
"""Seconds between looks at whether the broker still knows our consumer: when a queue is deleted and at once declared
again by somebody else, RabbitMQ 3.10 forgets its consumers without a word."""

IsConsuming = Callable[[], Awaitable[bool]]


class Events(Protocol):
    """What the broker tells."""

    def deliver(self, delivery: BrokerDelivery) -> None:
        """An answer has come; it is kept until it is acknowledged or given back."""

    def progress(self, progress: OcrProgress) -> None:
        """An OCR process has begun to read an image."""

    def announced(self, announcement: Announcement) -> None:
        """An OCR server has announced itself."""

    def connected(self) -> None:
        """The broker is reached, anew: what was delivered and not acknowledged comes again."""


class Broker:
    """Publishes images and hands over answers, reconnecting for as long as `run` runs.

    resume_window: seconds that held answers are kept for a client that is away.
    """

    def __init__(self, settings: RabbitMQ, resume_window: float, events: Events) -> None:
        self._settings = settings
        self._resume_window = resume_window
        self._events = events
        self._exchange: AbstractExchange | None = None
        self._out: AbstractConnection | None = None
        self._publishing: AbstractChannel | None = None
        self._answers: AbstractQueue | None = None
        self._answers_tag: str | None = None
        self._held: HeldQueues | None = None
        self._settling: set[asyncio.Task[None]] = set()
        self.connection_count = 0
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
                    self.connection_count += 1
                    self._ready.set()
                    self._events.connected()
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
                await self._can_publish()
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

    async def _can_publish(self) -> None:
        """Wait for the broker and the end of an alarm: what is sent into one is read when nobody waits any more."""
        await self._ready.wait()
        assert self._out is not None
        await self._out.ready()

    # Answers

    def acknowledge(self, delivery: BrokerDelivery) -> None:
        """The client has this answer, or nobody wants it."""
        self._soon(delivery.acknowledge())

    def give_back(self, delivery: BrokerDelivery) -> None:
        """This answer of a client that has just gone stays in its held queue."""
        self._soon(self._give_back(delivery))

    async def _give_back(self, delivery: BrokerDelivery) -> None:
        if self._held is not None:
            await self._held.after_stop(delivery.answer.client_uuid)
        await delivery.give_back()

    def _soon(self, settling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(settling)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def hold(self, delivery: BrokerDelivery, answer: OcrAnswer, *, is_pending_said: bool) -> bool:
        """Move an answer to its client's held queue; True once the copy is confirmed and the answer acknowledged.

        False when the connection is lost meanwhile: then the broker hands it over again.
        """
        while delivery.is_live:
            try:
                await self._can_publish()
                assert self._held is not None
                await self._held.hold(answer, is_pending_said=is_pending_said)
            except Exception as error:  # noqa: BLE001 - of every kind, as above; under an alarm it may take a while
                log.warning(f"an answer for {answer.client_uuid} cannot be held yet ({error!r}); trying again")
                await asyncio.sleep(HOLD_RETRY)
            else:
                await delivery.acknowledge()
                return True
        return False

    async def consume_held(self, client_uuid: str) -> bool:
        """Take the held answers of a client from now on; False when that fails and is to be tried again.

        When the connection is lost, `Events.connected` asks for it anew.
        """
        held, lost = self._held, self._lost
        if held is None or lost.is_set():
            return True
        try:
            await held.consume(client_uuid, functools.partial(self._on_answer, lost, is_held=True))
        except TimeoutError:  # the consumer may be there or not: only a new connection makes sure
            self._lose(lost)
        except Exception as error:  # noqa: BLE001 - of every kind, as above
            log.warning(f"the held answers of {client_uuid} cannot be taken yet ({error!r}); trying again")
            return lost.is_set()
        return True

    async def stop_held(self, client_uuid: str) -> None:
        """Take the held answers of a client no more."""
        held, lost = self._held, self._lost
        if held is None or lost.is_set():
            return
        try:
            await held.stop(client_uuid)
        except Exception as error:  # noqa: BLE001 - of every kind, as above
            log.debug(f"a consumer ends with its connection: {error!r}")
            self._lose(lost)

    async def is_consumed_elsewhere(self, client_uuid: str) -> bool | None:
        """True when another gateway has a connection of this client; None when the broker cannot be asked."""
        if self._held is None or not self._ready.is_set():
            return None
        try:
            return await self._held.is_consumed_elsewhere(client_uuid)
        except Exception as error:  # noqa: BLE001 - of every kind, as above
            log.debug(f"the broker cannot be asked for {client_uuid}: {error!r}")
            return None

    async def cancel(self, cancelled: Cancelled, until: float) -> None:
        """Have OCR servers skip images that were published until then, as far as they hear of it."""
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                await self._can_publish()
                assert self._publishing is not None
                await fanouts.cancelling(self._publishing, cancelled, until)
        except Exception as error:  # noqa: BLE001 - best effort, and of every kind, as above
            log.info(f"the OCR servers do not hear that {cancelled.client_uuid} does not wait any more: {error!r}")

    async def stop_consuming(self) -> None:
        """Take no more answers: those that come from now on stay in the queue."""
        answers, tag = self._answers, self._answers_tag
        if answers is None or tag is None or not self._ready.is_set():
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await answers.cancel(tag)
        except Exception as error:  # noqa: BLE001 - of every kind, as above
            log.debug(f"a consumer ends with its connection: {error!r}")

    async def settled(self) -> None:
        """Wait until what was to be acknowledged or given back is."""
        while self._settling:
            await asyncio.wait(self._settling)

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
            self._connection("publishes images", on_loss) as out,
            self._connection("consumes answers", on_loss) as back,
        ):
            try:
                publishing = await _channel(out, on_loss, publisher_confirms=True, on_return_raises=True)
                # Acknowledgements are all that the consuming channels send.
                consuming = await _channel(back, on_loss, publisher_confirms=False)
                held = await _channel(back, on_loss, publisher_confirms=False)
                await self._declare(publishing)
                for name in EXCHANGES:
                    await fanouts.declared(out, name)
                self._out, self._publishing, self._exchange = out, publishing, publishing.default_exchange
                await held.set_qos(prefetch_count=held_queues.PREFETCH)
                self._held = HeldQueues(publishing, held, back, self._resume_window)
                await fanouts.listen(held, self._events.announced)
                await self._consume(consuming, lost)
                yield lost, functools.partial(self._is_consuming, consuming)
            finally:
                lost.set()  # before anything is closed: nothing that came by these connections is to be settled now
                self._held = self._answers = None

    @contextlib.asynccontextmanager
    async def _connection(self, name: str, on_loss: Callable[..., None]) -> AsyncIterator[AbstractConnection]:
        connection = await self._connect(name)
        try:
            connection.close_callbacks.add(on_loss)
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

    async def _consume(self, channel: AbstractChannel, lost: asyncio.Event) -> None:
        if await self._is_consuming(channel):
            log.warning(
                f"somebody takes answers from {self._settings.result_queue} already: if it is another gateway, "
                "give each a [RabbitMQ] result_queue of its own, or they take each other's"
            )
        await channel.set_qos(prefetch_count=PREFETCH)
        self._answers = await channel.get_queue(self._settings.result_queue, ensure=False)
        on_answer = functools.partial(self._on_answer, lost)
        self._answers_tag = str(await self._answers.consume(on_answer, timeout=CONNECT_TIMEOUT))

    async def _is_consuming(self, channel: AbstractChannel) -> bool:
        queue = await channel.declare_queue(self._settings.result_queue, passive=True, timeout=CONNECT_TIMEOUT)
        return bool(queue.declaration_result.consumer_count)

    async def _on_answer(self, lost: asyncio.Event, message: AbstractIncomingMessage, *, is_held: bool = False) -> None:
        try:
            answer = decode_answer(message.body)
        except UndecodableMessage as error:
            log.error(
                f"an answer that cannot be decoded goes to {DEAD_LETTER_QUEUE}: {error}",
                extra=ids(correlation_id=message.correlation_id),
            )
            await message.reject(requeue=False)
            return
        if isinstance(answer, OcrProgress):
            self._events.progress(answer)
            await message.ack()
        else:
            self._events.deliver(BrokerDelivery(answer, message, lost, is_held=is_held))


async def _channel(connection: AbstractConnection, on_loss: Callable[..., None], **confirms: bool) -> AbstractChannel:
    channel = connection.channel(**confirms)
    channel.close_callbacks.add(on_loss)
    await asyncio.wait_for(channel.initialize(), CONNECT_TIMEOUT)
    # The broker may end a consumer and leave its channel open, as when the queue is deleted.
    (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(on_loss)
    return channel


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
