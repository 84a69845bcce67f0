"""One connection's channel for images: they come by it, and are answered or given back by it.

For the AMQP thread only; what other threads may do is in `consumer.py`.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pika.channel import Channel

from protocol.topology import PENDING_QUEUE
from settings.schema import RabbitMQ

from .amqp_frames import Properties
from .answers import Answers
from .broadcasts import Broadcasts
from .confirms import Acknowledgements
from .connection import declare
from .fast_connection import FastConnection, Shortcut

RENEWAL: Final = 5.0
"""Seconds without an image until the queue is consumed anew: when it is deleted and at once declared again by somebody
else, RabbitMQ 3.10 forgets its consumers without a word."""


@dataclasses.dataclass(frozen=True, eq=False)
class Delivery:
    """An image as the broker gave it. `link` is the connection it came by: only there can it be acknowledged.

    timestamp: seconds since 1970. A property that is absent, or of another type, is None.
    """

    body: bytes = dataclasses.field(repr=False)
    headers: Mapping[str, object]
    content_type: str | None
    message_id: str | None
    reply_to: str | None
    timestamp: int | None
    is_redelivered: bool
    tag: int
    link: "Link"


class Link:
    """Consumes the pending queue under `name` once its channel is open; `delivered` is called with each image.

    listening: called when images can come. settled: called when fewer are unanswered. ended: called with the reason
    when the channel is closed.
    """

    def __init__(
        self,
        connection: FastConnection,
        settings: RabbitMQ,
        name: str,
        log: logging.Logger,
        broadcasts: Broadcasts,
        delivered: Callable[[Delivery], None],
        listening: Callable[[], None],
        settled: Callable[[], None],
        ended: Callable[[Exception], None],
    ) -> None:
        self.broadcasts = broadcasts
        self.prefetch = 0  # 0: no image comes
        self.has_begun = False  # to consume, for the first time
        self.is_cancelled = False  # by the broker, as when the queue is deleted
        self.is_lost = False
        self._connection = connection
        self._settings = settings
        self._name = name
        self._log = log
        self._delivered = delivered
        self._listening = listening
        self._settled = settled
        self._ended = ended
        self._acknowledgements = Acknowledgements()
        self._told: list[Callable[[], None]] = []  # when these are acknowledged
        self._consumers = 0
        self._is_stopping = False
        self._last_sign = 0.0  # of the broker's knowing our consumer
        self._channel: Channel
        self._shortcut: Shortcut
        self._answers: Answers
        connection.channel(on_open_callback=self._on_open)

    @property
    def unanswered(self) -> int:
        """How many images the broker counts as this process's. To be read by any thread."""
        return len(self._acknowledgements)

    @property
    def is_busy(self) -> bool:
        """True as long as images can come by it, or wait for their answers."""
        return bool(self.prefetch or self._is_stopping or self.unanswered)

    def consume(self, prefetch: int, stopped: Callable[[], None] | None = None) -> None:
        """Have so many images of the broker at a time from now on; 0: none.

        stopped: called when none come any more by what was said before. What is on its way then goes back.
        """

        def on_stopped(_: Any) -> None:
            self._is_stopping = False
            if stopped:
                stopped()

        if not self._channel.is_open:
            return
        if self.prefetch:
            self._is_stopping = True
            self._channel.basic_cancel(self._tag, callback=on_stopped)
        self.prefetch = prefetch
        self._shortcut.consume(None)
        if prefetch:
            self._consumers += 1  # a consumer of its own each time: the old one may still have images
            self._last_sign = time.monotonic()
            self._channel.basic_qos(prefetch_count=prefetch)
            self._shortcut.consume(self._tag)
            self._channel.basic_consume(PENDING_QUEUE, _never, consumer_tag=self._tag, callback=self._on_consuming)

    def renew(self) -> bool:
        """Consume anew if no image has come for long; True when it did. To be called at each tick."""
        if self.unanswered:
            self._last_sign = time.monotonic()
        elif self.prefetch and time.monotonic() > self._last_sign + RENEWAL:
            self.consume(1)
            return True
        return False

    def answer_queue(self, delivery: Delivery) -> str:
        """Where the answer to an image goes."""
        return delivery.reply_to or self._settings.result_queue

    def publish(self, delivery: Delivery, queue: str, body: bytes, done: Callable[[], None]) -> None:
        """Publish, acknowledge the image once that is confirmed, call `done`; what is not taken goes back instead."""
        if self._channel.is_open:
            self._answers.publish(delivery, queue, body, done)

    def acknowledge(self, delivery: Delivery, done: Callable[[], None]) -> None:
        """Have the broker forget an image, then call `done`: with all that are settled in this turn of the loop."""
        self._acknowledgements.settle(delivery.tag)
        self._told.append(done)

    def give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Have the broker give images to somebody else; those of earlier connections are somebody else's by now."""
        for delivery in deliveries:
            if delivery.link is self:
                self._give_back(delivery)

    def end_turn(self) -> None:
        """Say to the broker what is to be said. To be called when all is done that there was to do."""
        told: list[Callable[[], None]] = []
        if self._told and self._channel.is_open:
            for tag, multiple in self._acknowledgements.take_due():
                self._shortcut.acknowledge(tag, multiple=multiple)
            told, self._told = self._told, told
        self._connection.flush()
        for done in told:  # only now: a process that dies after it has said so is given none of these images again
            done()
        if told:
            self._settled()

    @property
    def _tag(self) -> str:
        return f"{self._name}, {self._consumers}"

    def _on_open(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _, reason: self._ended(reason))
        channel.add_on_cancel_callback(self._on_cancel)
        declare(channel, self._settings)
        self._shortcut = self._connection.shorten(
            channel,
            self._on_delivery,
            lambda number, multiple: self._answers.confirmed(number, multiple=multiple),
            self.end_turn,
        )
        self._answers = Answers(
            *(channel, self._settings, self._log, self._shortcut.publish),
            *(self.acknowledge, self._give_back, self._later),
        )
        self.consume(1)

    def _on_consuming(self, _: Any) -> None:
        if not self.has_begun:
            self.has_begun = True
            self._listening()

    def _on_cancel(self, frame: Any) -> None:
        if frame.method.consumer_tag == self._tag:
            self.prefetch, self.is_cancelled = 0, True

    def _on_delivery(self, tag: int, is_redelivered: bool, properties: Properties, body: bytes) -> None:
        self._acknowledgements.delivered(tag)
        self._delivered(
            Delivery(
                body,
                properties.headers,
                properties.content_type,
                properties.message_id,
                properties.reply_to,
                properties.timestamp,
                is_redelivered,
                tag,
                self,
            )
        )

    def _give_back(self, delivery: Delivery) -> None:
        if self._channel.is_open:
            self._channel.basic_nack(delivery.tag)
            self._acknowledgements.given_back(delivery.tag)
            self._settled()

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self._connection.ioloop.call_later(seconds, lambda: work() if self._channel.is_open else None)


def _never(*_: object) -> None:
    """What pika would call with images; they come by the shortcut."""
