"""What an OCR process hears and says beside images and answers: cancellations, announcements, progress.

All of it is best effort, on a channel of its own without confirms: trouble with it never stops an image.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pika
from pika import exceptions

from protocol.control import ANNOUNCE_EVERY, Cancelled, decode_control
from protocol.messages import UndecodableMessage
from protocol.topology import ANNOUNCE_EXCHANGE, CONTROL_EXCHANGE, EXCHANGES

from .connection import declare_exchange

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

RETRY: Final = 30.0  # seconds until the channel is opened again after trouble
MAX_WAITING: Final = 10_000
"""Cancellations that wait for one process at the broker; the oldest go first."""

Heard = Callable[[Cancelled, float], None]
"""What is cancelled, and up to when (seconds since 1970)."""


class Broadcasts:
    """The second channel of one connection, for the AMQP thread only.

    announcement: what this process says of its server; None: another process does.
    """

    def __init__(
        self, connection: pika.BlockingConnection, announcement: bytes | None, heard: Heard, log: logging.Logger
    ) -> None:
        self._connection = connection
        self._announcement = announcement
        self._heard = heard
        self._log = log
        self._channel: BlockingChannel | None = None
        self._is_blocked = False
        self._has_complained = False
        self._open_at = self._announce_at = 0.0
        connection.add_on_connection_blocked_callback(lambda *_: self._set_blocked(is_blocked=True))
        connection.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(is_blocked=False))

    def tick(self) -> None:
        """Open the channel if it is not, and announce, if it is time. Lost connections raise as everywhere."""
        now = time.monotonic()
        if now >= self._open_at and not (self._channel and self._channel.is_open):
            self._open_at = now + RETRY
            self._open()
        if self._announcement and now >= self._announce_at:
            self._announce_at = now + ANNOUNCE_EVERY
            self.send(ANNOUNCE_EXCHANGE, "", self._announcement)

    def send(self, exchange: str, routing_key: str, body: bytes) -> None:
        """Send without a confirm; not at all under an alarm, or while the channel is closed."""
        if self._is_blocked or not (self._channel and self._channel.is_open):
            return
        try:
            self._channel.basic_publish(exchange, routing_key, body, pika.BasicProperties("application/json"))
        except exceptions.AMQPChannelError as error:
            self._troubled(error)

    def _open(self) -> None:
        try:
            for exchange in EXCHANGES:
                declare_exchange(self._connection, exchange)
            channel = self._connection.channel()
            # classic: where quorum is the default of a virtual host, an exclusive queue is still none.
            bounds = {"x-queue-type": "classic", "x-max-length": MAX_WAITING}
            queue = channel.queue_declare("", exclusive=True, auto_delete=True, arguments=bounds).method.queue
            channel.queue_bind(queue, CONTROL_EXCHANGE, routing_key="")  # pika's default is the queue's name
            channel.add_on_cancel_callback(lambda _: channel.close())
            channel.basic_consume(queue, self._delivered, auto_ack=True, exclusive=True)
            self._channel = channel
        except exceptions.AMQPChannelError as error:
            self._troubled(error)

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
        self._channel = None
        if not self._has_complained:  # once a connection: it is tried again and again
            self._has_complained = True
            self._log.warning(f"no cancellations and announcements; images are read all the same ({error})")


def _now(cancelled: Cancelled) -> float:
    """Until when a cancellation counts that does not say: of a client until now, of one request for ever."""
    return math.inf if isinstance(cancelled.request_id, str) else time.time()
