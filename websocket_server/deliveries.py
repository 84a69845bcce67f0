"""Answers as the broker hands them over, until they are acknowledged or given back. A part of `broker`."""

import asyncio
from typing import Final

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel

from protocol.bodies import OcrAnswer

from . import amqp_frames
from .batches import Batches

TOGETHER: Final = 32
"""Acknowledgements that are written as soon as there are so many."""

PAUSE: Final = 0.02
"""Seconds for which fewer wait for more: nobody waits for them. A gateway that is killed meanwhile is sent some answers
again that its clients have; these know them."""

TAKEN_AFTER: Final = 0.5
"""Seconds from the last acknowledgement until the channel may be closed. A quorum queue takes some 32 at a time; the
others wait in the broker's channel, and are lost with it (`rabbit_fifo_client`, seen on RabbitMQ 3.10)."""

PENDING_SAID: Final = "PendingSaid"
"""Header of a held answer whose client has had PENDING."""


class Settling:
    """Says of deliveries, on the channel that they came by, what has become of them.

    lost: set when the channel is lost; what was not settled by then comes again.
    """

    def __init__(self, channel: Channel, lost: asyncio.Event) -> None:
        self.lost = lost
        self._number = channel.number
        self._frames: list[bytes] = []
        self._batches = Batches(channel, self._unsaid, PAUSE)

    def acknowledge(self, delivery_tag: int) -> None:
        """It is done with."""
        self._say(amqp_frames.acknowledge(self._number, delivery_tag), is_urgent=False)

    def give_back(self, delivery_tag: int) -> None:
        """It goes back to its queue, for whoever consumes that next."""
        self._say(amqp_frames.give_back(self._number, delivery_tag))

    def reject(self, delivery_tag: int) -> None:
        """It goes where its queue's dead letters go."""
        self._say(amqp_frames.reject(self._number, delivery_tag))

    def _say(self, frame: bytes, *, is_urgent: bool = True) -> None:
        if not self.lost.is_set():
            self._frames.append(frame)
            self._batches.wake(is_urgent=is_urgent or len(self._frames) >= TOGETHER)

    def _unsaid(self) -> bytes:
        frames, self._frames = self._frames, []
        return b"".join(frames)

    async def said(self) -> None:
        """Wait until all is said and taken, or in vain."""
        await self._batches.written()
        if not self.lost.is_set():
            await asyncio.sleep(self._batches.written_at + TAKEN_AFTER - asyncio.get_running_loop().time())

    def end(self) -> None:
        """The channel is lost. Safe to call twice."""
        self.lost.set()
        self._frames.clear()
        self._batches.end()


class BrokerDelivery:
    """What `actions.Delivery` asks for."""

    def __init__(
        self, answer: OcrAnswer, message: DeliveredMessage, settling: Settling, *, is_held: bool = False
    ) -> None:
        properties = message.header.properties
        self.answer = answer
        self.correlation_id = properties.correlation_id
        self.is_redelivered = bool(message.redelivered)
        self.is_held = is_held
        self.is_pending_said = bool((properties.headers or {}).get(PENDING_SAID))
        self.size = len(message.body)
        self._tag = tag_of(message)
        self._settling = settling
        self._is_settled = False

    @property
    def is_live(self) -> bool:
        """False once it is settled, or the connection is lost that it came by: then it comes again."""
        return not self._is_settled and not self._settling.lost.is_set()

    def acknowledge(self) -> None:
        """It is done with. In vain on a connection that is lost: then it comes again, and is known."""
        if self.is_live:
            self._is_settled = True
            self._settling.acknowledge(self._tag)

    def give_back(self) -> None:
        """Leave it in its queue, for whoever consumes it next. A lost connection does so by itself."""
        if self.is_live:
            self._is_settled = True
            self._settling.give_back(self._tag)


def tag_of(message: DeliveredMessage) -> int:
    """The broker's number for a delivery."""
    assert message.delivery_tag is not None  # every delivery has one
    return message.delivery_tag
