"""Takes images from the queue and answers them, for as long as there is work, over as many connections as that takes.

`Consumer.run` is the AMQP thread: heartbeats go on in it while another thread reads an image. Nothing in it waits: all
is done when pika's loop calls. The methods that other threads may call hand their work over to it (`handover.py`).
An answer is published, confirmed, then the image acknowledged: a crash in between can only repeat it.
"""

import functools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from pika import exceptions
from pika.adapters.select_connection import IOLoop

from protocol.control import Cancelled
from protocol.topology import DEAD_LETTER_QUEUE, QueuesDiffer, explain_mismatch
from settings.schema import RabbitMQ

from .broadcasts import Broadcasts
from .connection import explain, parameters
from .fast_connection import FastConnection
from .handover import Handover
from .link import Delivery, Link

TICK: Final = 0.25  # seconds between looks at the clock
GLANCE: Final = 0.025  # seconds between them while one of several images is read
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 5.0  # seconds between tries to connect
LONGEST_GOODBYE: Final = 5.0
"""Seconds until the broker must have said goodbye. Under an alarm it does not: it reads nothing then."""

PRECONDITION_FAILED: Final = 406


class Events(Protocol):
    """What a consumer tells; called in the AMQP thread."""

    def delivered(self, delivery: Delivery) -> None:
        """An image has come."""

    def unread(self) -> Iterable[Delivery]:
        """Those that have come and wait for their turn; they shall go back, and are to be forgotten."""

    def cancelled(self, cancelled: Cancelled, at: float) -> None:
        """A gateway has cancelled images, those of a client up to `at` (seconds since 1970)."""

    def connected(self) -> None:
        """Images can come now."""

    def disconnected(self, reason: str) -> None:
        """There is no broker; it is looked for until it is there."""

    def idle(self) -> None:
        """No image has come for a while."""

    def prefetch(self) -> int:
        """How many images to have of the broker at a time; asked at each image and after each answer."""

    def glance(self) -> bool:
        """A moment has passed, and several images are here. Returns whether to call again in a moment."""

    def tick(self) -> None:
        """Some time has passed."""


def _is_mismatch(error: exceptions.ChannelClosedByBroker) -> bool:
    return error.reply_code == PRECONDITION_FAILED and "inequivalent" in error.reply_text


class _ConsumerEnded(Exception):
    def __init__(self) -> None:
        super().__init__("the broker has ended the consumer, as when the queue is deleted; connecting again")


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
        self._handover = Handover()
        self._stopping = threading.Event()
        self._loop: IOLoop
        self._connection: FastConnection
        self._broadcasts: Broadcasts | None = None
        self._link: Link | None = None
        self._end: BaseException | None = None
        self._is_glancing = self._has_connected = self._is_leaving = False

    def run(self) -> None:
        """Consume until `stop` and until what was taken is answered. Raises QueuesDiffer."""
        delay = FIRST_BACKOFF
        while not self._stopping.is_set():
            self._connect_and_work()
            error = self._end
            if isinstance(error, exceptions.ChannelClosedByBroker) and _is_mismatch(error):
                raise QueuesDiffer(explain_mismatch(error.reply_text)) from error
            delay = FIRST_BACKOFF if self._has_connected else delay
            if error:
                ended = isinstance(error, _ConsumerEnded)
                self._events.disconnected(str(error) if ended else explain(error, self._settings))
            if not self._stopping.is_set():
                # Jitter, so that many processes do not come back in the same instant.
                self._wait(delay * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
                delay = min(2 * delay, LONGEST_BACKOFF)

    def stop(self) -> None:
        """Take no more images; `run` returns when those that are read are answered, the rest goes back.

        For any thread.
        """
        self._stopping.set()
        self._handover.give(self._look, is_urgent=True)

    def answer(self, delivery: Delivery, body: bytes, done: Callable[[], None], *, is_urgent: bool = True) -> None:
        """Publish the answer, then acknowledge the image and call `done` in the AMQP thread. For any thread.

        When the connection is lost meanwhile nothing is called: the broker gives the image to somebody again.
        is_urgent: False when it may go out with the next ones.
        """
        link = delivery.link
        self._settle(
            delivery, functools.partial(link.publish, delivery, link.answer_queue(delivery), body, done), is_urgent
        )

    def progress(self, delivery: Delivery, body: bytes) -> None:
        """Tell whoever waits for the answer how far it is; best effort. For any thread."""
        link = delivery.link
        queue, message_id = link.answer_queue(delivery), delivery.message_id
        work = functools.partial(link.broadcasts.progress, queue, body, message_id)
        self._handover.give(work, is_urgent=True)

    def skip(self, delivery: Delivery, done: Callable[[], None]) -> None:
        """Acknowledge the image without an answer. For any thread."""
        self._settle(delivery, functools.partial(delivery.link.acknowledge, delivery, done))

    def set_aside(self, delivery: Delivery) -> None:
        """Move what cannot be decoded to the dead letter queue, for an operator. For any thread."""
        publish = functools.partial(delivery.link.publish, delivery, DEAD_LETTER_QUEUE, delivery.body, lambda: None)
        self._settle(delivery, publish)

    def pause(self) -> None:
        """Take no more images until the next answer, and have those that wait here go back. For the AMQP thread."""
        if self._link:
            self._take_ahead(self._link, 0)

    def _take_ahead(self, link: Link, prefetch: int) -> None:
        if not link.has_begun or link.is_cancelled or link.prefetch == prefetch or self._stopping.is_set():
            return
        if 0 < link.prefetch < prefetch and link.unanswered > link.prefetch:
            return  # what an earlier consumer was given is read first: each new one is given that many more
        # Only once no more come: they would come straight back.
        link.consume(prefetch, None if prefetch else lambda: self._give_back_unread(link))

    def _settle(self, delivery: Delivery, work: Callable[[], None], is_urgent: bool = True) -> None:
        def settle() -> None:
            if delivery.link.is_lost:
                self._log.info("the connection was lost before the answer; the image will come again")
            else:
                work()
            if self._link:
                self._take_ahead(self._link, self._events.prefetch())

        self._handover.give(settle, is_urgent=is_urgent)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.wait(min(TICK, seconds)):
            self._handover.work_off()
            self._events.tick()

    # One connection

    def _connect_and_work(self) -> None:
        """Have a connection until it is lost or no longer needed."""
        self._broadcasts = self._link = self._end = None
        self._is_glancing = self._has_connected = self._is_leaving = False
        self._loop = loop = IOLoop()
        self._connection = FastConnection(
            parameters(self._settings, self._name),
            on_open_callback=self._on_open,
            on_open_error_callback=lambda _, error: self._on_closed(error),
            on_close_callback=lambda _, reason: self._on_closed(reason),
            custom_ioloop=loop,
        )
        self._handover.wake_by(lambda: loop.add_callback_threadsafe(self._work_off))
        self._tick()
        loop.start()
        self._handover.wake_by(None)
        if self._link:
            self._link.is_lost = True
        loop.close()

    def _on_open(self, connection: FastConnection) -> None:
        def consume() -> None:  # only now: what is cancelled from the first image on is heard
            self._link = Link(
                *(connection, self._settings, self._name, self._log, broadcasts),
                *(self._on_delivery, self._on_listening, self._look, self._leave),
            )

        broadcasts = self._broadcasts = Broadcasts(
            connection, self._announcement, self._events.cancelled, self._log, consume
        )

    def _on_listening(self) -> None:
        self._has_connected = True
        self._events.connected()

    def _on_closed(self, reason: BaseException) -> None:
        if not self._is_leaving:
            self._end = reason
        self._loop.stop()

    def _leave(self, reason: BaseException | None) -> None:
        """Close the connection. reason: why, when it is not because there is nothing to do any more."""
        if self._connection.is_open:
            self._is_leaving, self._end = True, reason
            self._connection.close()
            self._loop.call_later(LONGEST_GOODBYE, self._loop.stop)
        elif not self._connection.is_closed and not self._connection.is_closing:  # it is being opened: nobody misses it
            self._is_leaving = True
            self._loop.stop()

    def _on_delivery(self, delivery: Delivery) -> None:
        self._events.delivered(delivery)
        if (prefetch := self._events.prefetch()) < delivery.link.prefetch:
            self._take_ahead(delivery.link, prefetch)  # now: the next ones may be as large
        if not self._is_glancing and delivery.link.unanswered > 1:
            self._is_glancing = True
            self._loop.call_later(GLANCE, self._glance)

    def _work_off(self) -> None:
        self._handover.work_off()
        if self._link and not self._link.is_lost:
            self._link.end_turn()

    def _glance(self) -> None:
        self._work_off()
        self._is_glancing = self._events.glance() and bool(self._link and self._link.unanswered)
        if self._is_glancing:
            self._loop.call_later(GLANCE, self._glance)

    def _tick(self) -> None:
        self._loop.call_later(TICK, self._tick)
        self._work_off()
        if self._broadcasts and self._connection.is_open:
            self._broadcasts.tick()
        if self._link and self._connection.is_open and self._link.renew():
            self._events.idle()
        self._events.tick()
        self._look()

    def _look(self) -> None:
        """Leave when there is nothing to do any more."""
        link = self._link
        if self._stopping.is_set():
            if link is None:
                self._leave(None)
            elif not link.is_lost:
                if link.prefetch:
                    link.consume(0, lambda: self._give_back_unread(link))
                    return
                if link.is_cancelled:  # and nobody else gives back what waits
                    link.give_back(self._events.unread())
                if not link.is_busy:
                    self._leave(None)
        elif link and link.is_cancelled and not link.unanswered:
            self._leave(_ConsumerEnded())

    def _give_back_unread(self, link: Link) -> None:
        link.give_back(self._events.unread())
        self._look()
