"""One connection's channel for images: they come by it, and are answered or given back by it.

For the AMQP thread only; what other threads may do is in `consumer.py`.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pika
from pika.channel import Channel

from protocol.topology import PENDING_QUEUE
from settings.schema import RabbitMQ

from .answers import Answers
from .broadcasts import Broadcasts
from .confirms import Acknowledgements
from .connection import declare

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
        connection: pika.SelectConnection,
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
        if prefetch:
            self._consumers += 1  # a consumer of its own each time: the old one may still have images
            self._last_sign = time.monotonic()
            self._channel.basic_qos(prefetch_count=prefetch)
            self._channel.basic_consume(
                PENDING_QUEUE, self._on_delivery, consumer_tag=self._tag, callback=self._on_consuming
            )

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
        """Have the broker forget an image, then call `done`: with all that are settled in this round of the loop."""
        if not self._told:
            self._later(0, self._acknowledge_all)
        self._acknowledgements.settle(delivery.tag)
        self._told.append(done)

    def give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Have the broker give images to somebody else; those of earlier connections are somebody else's by now."""
        for delivery in deliveries:
            if delivery.link is self:
                self._give_back(delivery)

    @property
    def _tag(self) -> str:
        return f"{self._name}, {self._consumers}"

    def _on_open(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _, reason: self._ended(reason))
        channel.add_on_cancel_callback(self._on_cancel)
        declare(channel, self._settings)
        self._answers = Answers(channel, self._settings, self._log, self.acknowledge, self._give_back, self._later)
        self.consume(1)

    def _on_consuming(self, _: Any) -> None:
        if not self.has_begun:
            self.has_begun = True
            self._listening()

    def _on_cancel(self, frame: Any) -> None:
        if frame.method.consumer_tag == self._tag:
            self.prefetch, self.is_cancelled = 0, True

    def _on_delivery(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self._acknowledgements.delivered(method.delivery_tag)
        self._delivered(
            Delivery(
                body,
                properties.headers or {},
                _text(properties.content_type),
                _text(properties.message_id),
                _text(properties.reply_to),
                properties.timestamp if isinstance(properties.timestamp, int) else None,
                method.redelivered,
                method.delivery_tag,
                self,
            )
        )

    def _acknowledge_all(self) -> None:
        for tag, multiple in self._acknowledgements.take_due():
            self._channel.basic_ack(tag, multiple)
        told, self._told = self._told, []
        for done in told:
            done()
        self._settled()

    def _give_back(self, delivery: Delivery) -> None:
        if self._channel.is_open:
            self._channel.basic_nack(delivery.tag)
            self._acknowledgements.given_back(delivery.tag)
            self._settled()

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self._connection.ioloop.call_later(seconds, lambda: work() if self._channel.is_open else None)


def _text(value: object) -> str | None:
    """A property that pika could decode; it leaves what is no UTF-8 as bytes."""
    return value if isinstance(value, str) else None
