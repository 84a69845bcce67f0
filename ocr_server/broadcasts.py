"""What an OCR process hears and says beside images and answers: cancellations, announcements, progress.

All of it is best effort, on a channel of its own without confirms: trouble with it never stops an image.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

import pika
from pika import exceptions
from pika.channel import Channel

from protocol.control import ANNOUNCE_EVERY, Cancelled, decode_control
from protocol.messages import UndecodableMessage
from protocol.topology import ANNOUNCE_EXCHANGE, CONTROL_EXCHANGE, EXCHANGES

from .connection import declare_exchange

RETRY: Final = 30.0  # seconds until the channel is opened again after trouble
MAX_WAITING: Final = 10_000
"""Cancellations that wait for one process at the broker; the oldest go first."""

Heard = Callable[[Cancelled, float], None]
"""What is cancelled, and up to when (seconds since 1970)."""


class Broadcasts:
    """The second channel of one connection, for the AMQP thread only.

    announcement: what this process says of its server; None: another process does. ready: called once, when
    cancellations are heard or there is trouble with that.
    """

    def __init__(
        self,
        connection: pika.SelectConnection,
        announcement: bytes | None,
        heard: Heard,
        log: logging.Logger,
        ready: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._announcement = announcement
        self._heard = heard
        self._log = log
        self._ready: Callable[[], None] | None = ready
        self._channel: Channel | None = None  # while it is open
        self._is_blocked = False
        self._has_complained = False
        self._open_at = time.monotonic() + RETRY
        self._announce_at = 0.0
        connection.add_on_connection_blocked_callback(lambda *_: self._set_blocked(is_blocked=True))
        connection.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(is_blocked=False))
        self._open()

    def tick(self) -> None:
        """Open the channel if it is not, and announce, if it is time."""
        now = time.monotonic()
        if now >= self._open_at and not self._channel:
            self._open_at = now + RETRY
            self._open()
        if self._announcement and self._channel and now >= self._announce_at:
            self._announce_at = now + ANNOUNCE_EVERY
            self._send(ANNOUNCE_EXCHANGE, "", self._announcement, pika.BasicProperties("application/json"))

    def progress(self, queue: str, body: bytes, message_id: str | None) -> None:
        """Tell how far an image is, with the properties of all that comes to a result queue."""
        self._send(
            "", queue, body, pika.BasicProperties("application/json", delivery_mode=2, correlation_id=message_id)
        )

    def _send(self, exchange: str, routing_key: str, body: bytes, properties: pika.BasicProperties) -> None:
        """Send without a confirm; not at all under an alarm, or while the channel is closed."""
        if self._channel and self._channel.is_open and not self._is_blocked:
            self._channel.basic_publish(exchange, routing_key, body, properties)

    def _open(self) -> None:
        first, second = EXCHANGES
        declare_exchange(
            self._connection,
            first,
            lambda: declare_exchange(self._connection, second, self._open_channel, self._troubled),
            self._troubled,
        )

    def _open_channel(self) -> None:
        self._connection.channel(on_open_callback=self._on_open)

    def _on_open(self, channel: Channel) -> None:
        def bind(declared: Any) -> None:
            queue = declared.method.queue
            channel.queue_bind(queue, CONTROL_EXCHANGE, routing_key="")  # pika's default is the queue's name
            channel.basic_consume(queue, self._delivered, auto_ack=True, exclusive=True, callback=consuming)

        def consuming(_: Any) -> None:
            self._channel = channel
            self.tick()
            self._tell_ready()

        channel.add_on_close_callback(self._on_close)
        channel.add_on_cancel_callback(lambda _: channel.close())
        # classic: where quorum is the default of a virtual host, an exclusive queue is still none.
        bounds = {"x-queue-type": "classic", "x-max-length": MAX_WAITING}
        channel.queue_declare("", exclusive=True, auto_delete=True, arguments=bounds, callback=bind)

    def _on_close(self, _: Channel, reason: Exception) -> None:
        self._channel = None
        if isinstance(reason, exceptions.ChannelClosedByBroker):
            self._troubled(reason)

    def _delivered(self, _channel: Any, _method: Any, properties: Any, body: bytes) -> None:
        try:
            cancelled = decode_control(body)
        except UndecodableMessage as error:
            self._log.warning(f"a message of {CONTROL_EXCHANGE} is not understood: {error}")
            return
        if cancelled:
            self._heard(cancelled, properties.timestamp if isinstance(properties.timestamp, int) else _now(cancelled))

    def _set_blocked(self, *, is_blocked: bool) -> None:
        self._is_blocked = is_blocked

    def _troubled(self, error: Exception) -> None:
        if not self._has_complained:  # once a connection: it is tried again and again
            self._has_complained = True
            self._log.warning(f"no cancellations and announcements; images are read all the same ({error})")
        self._tell_ready()

    def _tell_ready(self) -> None:
        ready, self._ready = self._ready, None
        if ready:
            ready()


def _now(cancelled: Cancelled) -> float:
    """Until when a cancellation counts that does not say: of a client until now, of one request for ever."""
    return math.inf if isinstance(cancelled.request_id, str) else time.time()
