"""Takes images from the queue and answers them. The only user of pika; its errors end here.

`Consumer.run` is the AMQP thread: heartbeats go on in it while another thread reads an image. The methods that other
threads may call hand their work over to it (`add_callback_threadsafe` is the one call that pika allows them).
An answer is published, its confirm awaited, then the image acknowledged: a crash in between can only repeat it.
"""

import contextlib
import dataclasses
import functools
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

import pika
from pika import exceptions
from pika.adapters.blocking_connection import BlockingChannel

from protocol.topology import DEAD_LETTER_QUEUE, PENDING_QUEUE, QueuesDiffer, explain_mismatch, queues
from settings.schema import RabbitMQ

PREFETCH: Final = 1
"""Nothing waits behind an image that takes long while another process is idle (docs/decisions.md)."""

TICK: Final = 0.25  # seconds between looks at the clock
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 5.0
RENEWAL: Final = 5.0
"""Seconds without an image until the queue is consumed anew: when it is deleted and at once declared again by somebody
else, RabbitMQ 3.10 forgets its consumers without a word."""

BLOCKED_TIMEOUT: Final = 300  # seconds under a broker's alarm until the connection is made anew
PRECONDITION_FAILED: Final = 406
REFUSALS: Final = (
    exceptions.AuthenticationError,
    exceptions.ProbableAuthenticationError,
    exceptions.ProbableAccessDeniedError,
)
REFUSAL_CODES: Final = (403, 530)  # AMQP 0-9-1: access-refused, not-allowed


@dataclasses.dataclass(frozen=True, eq=False)
class Delivery:
    """An image as the broker gave it. `link` is the connection it came by: only there can it be acknowledged."""

    body: bytes
    headers: Mapping[str, object]
    content_type: str | None
    message_id: str | None
    reply_to: str | None
    is_redelivered: bool
    tag: int
    link: "_Link"


class Events(Protocol):
    """What a consumer tells; called in the AMQP thread."""

    def delivered(self, delivery: Delivery) -> None:
        """An image has come."""

    def connected(self) -> None:
        """Images can come now."""

    def disconnected(self, reason: str) -> None:
        """There is no broker; it is looked for until it is there."""

    def tick(self) -> None:
        """Some time has passed."""


@dataclasses.dataclass(eq=False)
class _Link:
    connection: pika.BlockingConnection
    channel: BlockingChannel
    unanswered: int = 0
    is_lost: bool = False
    last_sign: float = dataclasses.field(default_factory=time.monotonic)  # of the broker's knowing our consumer


class Consumer:
    """Consumes the pending queue, reconnecting for as long as `run` runs."""

    def __init__(self, settings: RabbitMQ, name: str, log: logging.Logger, events: Events) -> None:
        self._settings = settings
        self._name = name
        self._events = events
        self._log = log
        self._link: _Link | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Consume until `stop` and until what was taken is answered. Raises QueuesDiffer."""
        delay = FIRST_BACKOFF
        while not self._stopping.is_set():
            try:
                with self._opened() as link:
                    delay = FIRST_BACKOFF
                    self._events.connected()
                    self._consume(link)
            except exceptions.ChannelClosedByBroker as error:
                if error.reply_code == PRECONDITION_FAILED and "inequivalent" in error.reply_text:
                    raise QueuesDiffer(explain_mismatch(error.reply_text)) from error
                self._disconnected(error)
            except (exceptions.AMQPError, OSError) as error:
                self._disconnected(error)
            if not self._stopping.is_set():
                # Jitter, so that many processes do not come back in the same instant.
                self._wait(delay * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
                delay = min(2 * delay, LONGEST_BACKOFF)

    def stop(self) -> None:
        """Take no more images; `run` returns when those that were taken are answered. For any thread."""
        self._stopping.set()
        self._hand_over(self._link, lambda: None)

    def answer(self, delivery: Delivery, body: bytes, done: Callable[[], None]) -> None:
        """Publish the answer, then acknowledge the image and call `done` in the AMQP thread. For any thread.

        When the connection is lost meanwhile nothing is called: the broker gives the image to somebody again.
        """
        queue = delivery.reply_to or self._settings.result_queue
        self._hand_over(delivery.link, functools.partial(self._answer, delivery, queue, body, done))

    def answer_now(self, delivery: Delivery, body: bytes) -> None:
        """Publish the answer and acknowledge the image at once. For the AMQP thread only."""
        self._answer(delivery, delivery.reply_to or self._settings.result_queue, body, lambda: None)

    def set_aside(self, delivery: Delivery, done: Callable[[], None]) -> None:
        """Move what cannot be decoded to the dead letter queue, for an operator. For any thread."""
        self._hand_over(
            delivery.link, functools.partial(self._answer, delivery, DEAD_LETTER_QUEUE, delivery.body, done)
        )

    def _hand_over(self, link: _Link | None, work: Callable[[], None]) -> None:
        if link is None:
            return
        try:
            link.connection.add_callback_threadsafe(work)
        except exceptions.ConnectionWrongStateError:
            self._log.info("the connection was lost before the answer; the image will come again")

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.wait(min(TICK, seconds)):
            self._events.tick()

    def _disconnected(self, error: Exception) -> None:
        if self._link:
            self._link.is_lost = True
        at, reason = f"{self._settings.host}:{self._settings.port}", f"{type(error).__name__}: {error}".rstrip(": ")
        if isinstance(error, REFUSALS) or getattr(error, "reply_code", None) in REFUSAL_CODES:
            said = (
                f"the broker at {at} does not let us in ({reason}): correct [RabbitMQ] account, password, virtual_host"
            )
        else:
            said = f"no broker at {at} ({reason}); trying again until it is there"
        self._events.disconnected(said)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[_Link]:
        connection = pika.BlockingConnection(parameters(self._settings, self._name))
        try:
            yield self._start_consuming(connection)
        finally:
            with contextlib.suppress(exceptions.AMQPError, OSError):  # lost already, most times
                connection.close()

    def _start_consuming(self, connection: pika.BlockingConnection) -> _Link:
        channel = connection.channel()
        declare(channel, self._settings)
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=PREFETCH)
        link = _Link(connection, channel)
        self._link = link
        channel.add_on_cancel_callback(lambda _: setattr(link, "is_lost", True))
        self._start_consumer(link)
        return link

    def _start_consumer(self, link: _Link) -> None:
        link.channel.basic_consume(PENDING_QUEUE, functools.partial(self._delivered, link), consumer_tag=self._name)
        link.last_sign = time.monotonic()

    def _consume(self, link: _Link) -> None:
        is_consuming = True
        while not link.is_lost and (is_consuming or link.unanswered):
            link.connection.process_data_events(time_limit=TICK)
            self._events.tick()
            if link.unanswered:
                link.last_sign = time.monotonic()
            elif is_consuming and time.monotonic() > link.last_sign + RENEWAL:
                link.channel.basic_cancel(self._name)
                self._start_consumer(link)
            if is_consuming and self._stopping.is_set():
                is_consuming = False
                link.channel.basic_cancel(self._name)  # what is on its way goes back; what was taken is answered below
        if link.is_lost:
            self._events.disconnected(
                "the broker has ended the consumer, as when the queue is deleted; connecting again"
            )

    def _delivered(self, link: _Link, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        link.unanswered += 1
        self._events.delivered(
            Delivery(
                body,
                properties.headers or {},
                properties.content_type,
                properties.message_id,
                properties.reply_to,
                method.redelivered,
                method.delivery_tag,
                link,
            )
        )

    def _answer(self, delivery: Delivery, queue: str, body: bytes, done: Callable[[], None]) -> None:
        channel = delivery.link.channel
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=2, correlation_id=delivery.message_id
        )
        try:
            channel.basic_publish("", queue, body, properties, mandatory=True)
        except exceptions.UnroutableError:
            if queue in (self._settings.result_queue, DEAD_LETTER_QUEUE):
                # Somebody has deleted it. The gateway shall declare it first: one whose queue is there again before it
                # hears of the deletion is not told, and takes no more answers.
                delivery.link.connection.sleep(1)
                declare(channel, self._settings)
                self._give_back(delivery)
                return
            self._log.error(f"the queue {queue} that wants the answer is gone; the answer is dropped")
            done = _nothing
        except exceptions.NackError:
            self._log.error(f"the broker does not take the answer for {queue}; the image will come again")
            delivery.link.connection.sleep(1)
            self._give_back(delivery)
            return
        channel.basic_ack(delivery.tag)
        delivery.link.unanswered -= 1
        done()

    def _give_back(self, delivery: Delivery) -> None:
        delivery.link.channel.basic_nack(delivery.tag)
        delivery.link.unanswered -= 1


def _nothing() -> None:
    """What is to be told of an answer that was dropped."""


def parameters(settings: RabbitMQ, name: str) -> pika.ConnectionParameters:
    """How to reach the broker of the settings; `name` is shown in its management page."""
    return pika.ConnectionParameters(
        host=settings.host,
        port=settings.port,
        virtual_host=settings.virtual_host,
        credentials=pika.PlainCredentials(settings.account, settings.password),
        heartbeat=settings.heartbeat,
        blocked_connection_timeout=BLOCKED_TIMEOUT,
        ssl_options=pika.SSLOptions(ssl.create_default_context(), settings.host) if settings.tls else None,
        client_properties={"connection_name": name},
    )


def declare(channel: BlockingChannel, settings: RabbitMQ) -> None:
    """Declare all queues; the broker closes the channel when one is there with other arguments."""
    for queue in queues(settings.queue_type, settings.result_queue, settings.max_pending, settings.max_pending_bytes):
        channel.queue_declare(queue.name, durable=queue.durable, arguments=dict(queue.arguments) or None)
