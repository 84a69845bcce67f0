"""Takes images from the queue and answers them, for as long as there is work, over as many connections as that takes.

`Consumer.run` is the AMQP thread: heartbeats go on in it while another thread reads an image. The methods that other
threads may call hand their work over to it (`add_callback_threadsafe` is the one call that pika allows them).
An answer is published, its confirm awaited, then the image acknowledged: a crash in between can only repeat it.
"""

import contextlib
import functools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import pika
from pika import exceptions

from protocol.control import Cancelled
from protocol.topology import DEAD_LETTER_QUEUE, QueuesDiffer, explain_mismatch
from settings.schema import RabbitMQ

from .broadcasts import Broadcasts
from .connection import explain, parameters
from .link import TICK, Delivery, Link

FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 5.0  # seconds between tries to connect
PRECONDITION_FAILED: Final = 406


class Events(Protocol):
    """What a consumer tells; called in the AMQP thread."""

    def delivered(self, delivery: Delivery) -> None:
        """An image has come."""

    def cancelled(self, cancelled: Cancelled, at: float) -> None:
        """A gateway has cancelled images, those of a client up to `at` (seconds since 1970)."""

    def connected(self) -> None:
        """Images can come now."""

    def disconnected(self, reason: str) -> None:
        """There is no broker; it is looked for until it is there."""

    def tick(self) -> None:
        """Some time has passed."""


class Consumer:
    """Consumes the pending queue, reconnecting for as long as `run` runs.

    announcement: what this process says of its server, from time to time; None: another process does.
    """

    def __init__(
        self, settings: RabbitMQ, name: str, log: logging.Logger, events: Events, announcement: bytes | None
    ) -> None:
        self._settings = settings
        self._name = name
        self._log = log
        self._events = events
        self._announcement = announcement
        self._link: Link | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Consume until `stop` and until what was taken is answered. Raises QueuesDiffer."""
        delay = FIRST_BACKOFF
        while not self._stopping.is_set():
            try:
                with self._opened() as link:
                    delay = FIRST_BACKOFF
                    self._events.connected()
                    self._work(link)
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
        if self._link:
            self._hand_over(self._link, lambda: None)

    def answer(self, delivery: Delivery, body: bytes, done: Callable[[], None]) -> None:
        """Publish the answer, then acknowledge the image and call `done` in the AMQP thread. For any thread.

        When the connection is lost meanwhile nothing is called: the broker gives the image to somebody again.
        """
        link = delivery.link
        self._settle(delivery, functools.partial(link.publish, delivery, link.answer_queue(delivery), body, done))

    def answer_now(self, delivery: Delivery, body: bytes) -> bool:
        """Publish the answer and acknowledge the image at once; False when it will come again. For the AMQP thread."""
        link = delivery.link
        try:
            return link.publish(delivery, link.answer_queue(delivery), body, lambda: None)
        except (exceptions.AMQPError, OSError) as error:
            self._log.info(f"the connection was lost before the answer ({error}); the image will come again")
            return False

    def progress(self, delivery: Delivery, body: bytes) -> None:
        """Tell whoever waits for the answer how far it is; best effort. For any thread."""
        link = delivery.link
        self._hand_over(link, functools.partial(link.broadcasts.send, "", link.answer_queue(delivery), body))

    def skip(self, delivery: Delivery, done: Callable[[], None]) -> None:
        """Acknowledge the image without an answer. For any thread."""
        self._settle(delivery, functools.partial(delivery.link.acknowledge, delivery, done))

    def set_aside(self, delivery: Delivery) -> None:
        """Move what cannot be decoded to the dead letter queue, for an operator. For any thread."""
        publish = functools.partial(delivery.link.publish, delivery, DEAD_LETTER_QUEUE, delivery.body, lambda: None)
        self._settle(delivery, publish)

    def _settle(self, delivery: Delivery, work: Callable[..., Any]) -> None:
        if not self._hand_over(delivery.link, work):
            self._log.info("the connection was lost before the answer; the image will come again")

    def _hand_over(self, link: Link, work: Callable[..., Any]) -> bool:
        """False when the connection is lost already."""
        try:
            link.connection.add_callback_threadsafe(work)
        except exceptions.ConnectionWrongStateError:
            return False
        return True

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.wait(min(TICK, seconds)):
            self._events.tick()

    def _disconnected(self, error: Exception) -> None:
        if self._link:
            self._link.is_lost = True
        self._events.disconnected(explain(error, self._settings))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Link]:
        connection = pika.BlockingConnection(parameters(self._settings, self._name))
        broadcasts = Broadcasts(connection, self._announcement, self._events.cancelled, self._log)
        try:
            self._link = Link(connection, self._settings, self._name, self._log, self._events.delivered, broadcasts)
            yield self._link
        finally:
            with contextlib.suppress(exceptions.AMQPError, OSError):  # lost already, most times
                connection.close()

    def _work(self, link: Link) -> None:
        while link.is_needed:
            link.work()
            self._events.tick()
            if self._stopping.is_set():
                link.take_no_more()
        if link.is_cancelled:
            link.is_lost = True
            self._events.disconnected(
                "the broker has ended the consumer, as when the queue is deleted; connecting again"
            )
