"""One connection to the broker: images come by it, and are answered or given back by it.

For the AMQP thread only; what other threads may do is in `consumer.py`.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import pika
from pika import exceptions

from protocol.bodies import addressee
from protocol.topology import DEAD_LETTER_QUEUE, PENDING_QUEUE
from settings.schema import RabbitMQ

from .broadcasts import Broadcasts
from .connection import declare

PREFETCH: Final = 1
"""Nothing waits behind an image that takes long while another process is idle (docs/decisions.md)."""

TICK: Final = 0.25  # seconds between looks at the clock
RENEWAL: Final = 5.0
"""Seconds without an image until the queue is consumed anew: when it is deleted and at once declared again by somebody
else, RabbitMQ 3.10 forgets its consumers without a word."""

LONGEST_RETURN: Final = 600.0
"""Seconds from the gateway's sending an image until its answer is dropped for want of the queue that it is for: a
gateway that runs declares its queue anew within seconds."""


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
    """An open connection that consumes the pending queue under `name`; `delivered` is called with each image."""

    def __init__(
        self,
        connection: pika.BlockingConnection,
        settings: RabbitMQ,
        name: str,
        log: logging.Logger,
        delivered: Callable[[Delivery], None],
        broadcasts: Broadcasts,
    ) -> None:
        self.connection = connection
        self.broadcasts = broadcasts
        self.is_consuming = False
        self.is_cancelled = False  # by the broker, as when the queue is deleted
        self.is_lost = False
        self._settings = settings
        self._name = name
        self._log = log
        self._delivered = delivered
        self._unanswered = 0
        self._last_sign = 0.0  # of the broker's knowing our consumer
        self._channel = connection.channel()
        declare(self._channel, settings)
        self._channel.confirm_delivery()
        self._channel.basic_qos(prefetch_count=PREFETCH)
        self._channel.add_on_cancel_callback(self._on_cancel)
        broadcasts.tick()  # before the first image: what is cancelled from now on is heard
        self._start_consumer()

    @property
    def is_needed(self) -> bool:
        """True as long as images can come by it, or wait for their answers."""
        return self.is_consuming or self._unanswered > 0

    def work(self) -> None:
        """Take and send what there is, for one tick."""
        self.connection.process_data_events(time_limit=TICK)
        self.broadcasts.tick()
        if not self._channel.is_open:  # RabbitMQ does so to who acknowledges nothing for 30 minutes
            raise exceptions.ChannelWrongStateError("the broker has closed the channel")
        if self._unanswered:
            self._last_sign = time.monotonic()
        elif self.is_consuming and time.monotonic() > self._last_sign + RENEWAL:
            self._stop_consumer()
            self._start_consumer()

    def take_no_more(self) -> None:
        """Consume no longer; what has come is still to be answered."""
        if not self.is_consuming:
            return
        if not self._unanswered:
            # With an image in hand no other can be on its way, and be given back marked as redelivered.
            self.connection.process_data_events(time_limit=TICK)
        self._stop_consumer()

    def answer_queue(self, delivery: Delivery) -> str:
        """Where the answer to an image goes."""
        return delivery.reply_to or self._settings.result_queue

    def publish(self, delivery: Delivery, queue: str, body: bytes, done: Callable[[], None]) -> bool:
        """Publish, acknowledge the image, call `done`; False when the broker does not take it: the image goes back."""
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=2, correlation_id=delivery.message_id
        )
        try:
            self._channel.basic_publish("", queue, body, properties, mandatory=True)
        except exceptions.UnroutableError:
            if queue in (self._settings.result_queue, DEAD_LETTER_QUEUE):
                # Somebody has deleted it. The gateway shall declare it first: one whose queue is there again before it
                # hears of the deletion is not told, and takes no more answers.
                self.connection.sleep(1)
                declare(self._channel, self._settings)
                self._give_back(delivery)
                return False
            if _is_promised(delivery, time.time()):
                self._log.warning(f"the queue {queue} that wants the answer is gone; the image will come again")
                self.connection.sleep(1)
                self._give_back(delivery)
                return False
            self._log.error(f"the queue {queue} that wants the answer is gone; the answer is dropped")
            done = _nothing
        except exceptions.NackError:
            self._log.error(f"the broker does not take the answer for {queue}; the image will come again")
            self.connection.sleep(1)
            self._give_back(delivery)
            return False
        self.acknowledge(delivery, done)
        return True

    def acknowledge(self, delivery: Delivery, done: Callable[[], None]) -> None:
        """Have the broker forget an image, then call `done`."""
        self._channel.basic_ack(delivery.tag)
        self._unanswered -= 1
        done()

    def _give_back(self, delivery: Delivery) -> None:
        self._channel.basic_nack(delivery.tag)
        self._unanswered -= 1

    def _start_consumer(self) -> None:
        self._channel.basic_consume(PENDING_QUEUE, self._on_delivery, consumer_tag=self._name)
        self.is_consuming, self._last_sign = True, time.monotonic()

    def _stop_consumer(self) -> None:
        self.is_consuming = False
        self._channel.basic_cancel(self._name)  # what is on its way goes back

    def _on_cancel(self, _: Any) -> None:
        self.is_consuming, self.is_cancelled = False, True

    def _on_delivery(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self._unanswered += 1
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


def _is_promised(delivery: Delivery, now: float) -> bool:
    """True for a v2 client's image so new that the gateway that promised the answer may come back for it.

    now: seconds since 1970. Without a timestamp nothing would end its coming back; our gateway always gives one.
    """
    to = addressee(delivery.body, delivery.headers, delivery.content_type)
    if to is None or not to.request_id or delivery.timestamp is None:
        return False
    return now - delivery.timestamp <= LONGEST_RETURN


def _nothing() -> None:
    """What is to be told of an answer that was dropped."""


def _text(value: object) -> str | None:
    """A property that pika could decode; it leaves what is no UTF-8 as bytes."""
    return value if isinstance(value, str) else None
