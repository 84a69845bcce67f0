"""Answers on their way to the broker: published, confirmed, and only then are their images acknowledged.

Nothing is waited for: many may be on their way at a time. For the AMQP thread only.
"""

import dataclasses
import functools
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pika.channel import Channel

from protocol.bodies import addressee
from protocol.topology import DEAD_LETTER_QUEUE
from settings.schema import RabbitMQ

from .confirms import Confirms
from .connection import declare

if TYPE_CHECKING:
    from .link import Delivery

LONGEST_RETURN: Final = 600.0
"""Seconds from the gateway's sending an image until its answer is dropped for want of the queue that it is for: a
gateway that runs declares its queue anew within seconds."""

PATIENCE: Final = 1.0
"""Seconds until an image goes back whose answer the broker has not taken: it would come again at once."""


@dataclasses.dataclass(eq=False)
class _Published:
    delivery: "Delivery"
    queue: str
    body: bytes
    done: Callable[[], None]
    is_returned: bool = False


class Answers:
    """What is published on one channel, and what becomes of its images.

    write: publishes to a queue, with a correlation_id. acknowledge: has the broker forget an image, then calls what it
    is given. give_back: puts it back into the queue. later: calls something after so many seconds, not at all when the
    connection is lost by then.
    """

    def __init__(
        self,
        channel: Channel,
        settings: RabbitMQ,
        log: logging.Logger,
        write: Callable[[str, bytes, str | None], None],
        acknowledge: Callable[["Delivery", Callable[[], None]], None],
        give_back: Callable[["Delivery"], None],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._channel = channel
        self._settings = settings
        self._log = log
        self._write = write
        self._acknowledge = acknowledge
        self._give_back = give_back
        self._later = later
        self._confirms: Confirms[_Published] = Confirms()
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_nack, callback=_nothing)

    def publish(self, delivery: "Delivery", queue: str, body: bytes, done: Callable[[], None]) -> None:
        """Publish, acknowledge the image once that is confirmed, call `done`; what is not taken goes back instead."""
        self._write(queue, body, delivery.message_id)
        self._confirms.published(_Published(delivery, queue, body, done))

    def _on_return(self, _: Channel, method: Any, properties: Any, body: bytes) -> None:
        """The broker has no such queue; its confirm comes right behind this."""
        found = self._confirms.find(
            lambda one: (
                not one.is_returned
                and (one.queue, one.delivery.message_id) == (method.routing_key, properties.correlation_id)
                and one.body == body
            )
        )
        if found:
            found.is_returned = True

    def confirmed(self, number: int, *, multiple: bool) -> None:
        """The broker has the publish of this number (from 1), with `multiple` all until it."""
        for one in self._confirms.settled(number, multiple=multiple):
            if one.is_returned:
                self._unroutable(one)
            else:
                self._acknowledge(one.delivery, one.done)

    def _on_nack(self, frame: Any) -> None:
        method = frame.method
        for one in self._confirms.settled(method.delivery_tag, multiple=method.multiple):
            self._log.error(f"the broker does not take the answer for {one.queue}; the image will come again")
            self._later(PATIENCE, functools.partial(self._give_back, one.delivery))

    def _unroutable(self, one: _Published) -> None:
        if one.queue in (self._settings.result_queue, DEAD_LETTER_QUEUE):
            # Somebody has deleted it. The gateway shall declare it first: one whose queue is there again before it
            # hears of the deletion is not told, and takes no more answers.
            self._later(PATIENCE, functools.partial(self._declare_and_give_back, one.delivery))
        elif _is_promised(one.delivery, time.time()):
            self._log.warning(f"the queue {one.queue} that wants the answer is gone; the image will come again")
            self._later(PATIENCE, functools.partial(self._give_back, one.delivery))
        else:
            self._log.error(f"the queue {one.queue} that wants the answer is gone; the answer is dropped")
            self._acknowledge(one.delivery, _nothing)

    def _declare_and_give_back(self, delivery: "Delivery") -> None:
        declare(self._channel, self._settings)
        self._give_back(delivery)


def _is_promised(delivery: "Delivery", now: float) -> bool:
    """True for a v2 client's image so new that the gateway that promised the answer may come back for it.

    now: seconds since 1970. Without a timestamp nothing would end its coming back; our gateway always gives one.
    """
    to = addressee(delivery.body, delivery.headers, delivery.content_type)
    if to is None or not to.request_id or delivery.timestamp is None:
        return False
    # One of the future is of a clock that is wrong, or of another unit, and would not end its coming back either.
    return abs(now - delivery.timestamp) <= LONGEST_RETURN


def _nothing(*_: object) -> None:
    """What is to be told of an answer that was dropped, and of a reply that says nothing."""
