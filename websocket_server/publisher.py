"""Publishes images, many at a time on one channel, each with the broker's confirm. A part of `broker`.

aiormq reads the confirms and the returns; in `confirmations` and `message_id_delivery_tag` of its channel it finds
whose they are, as if it had published itself.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiormq.channel import Channel

from .amqp_frames import PublishFrames
from .batches import Batches

BATCH_BYTES: Final = 256 * 1024
"""What is written together, or one image: further ones wait until the system has taken it."""

TOGETHER: Final = 8
"""Images that are written as soon as there are so many. Fewer wait for the confirms of those before them, or for PAUSE:
eight that are published together cost the broker a quarter of eight times one."""

PAUSE: Final = 0.005
"""Seconds. An image waits only while others are under way."""


class Publisher:
    """Publishes on one channel, which is nobody else's: the broker counts what comes by it, and so does this.

    queue: where to. reply_to: where answers are wanted.
    """

    def __init__(self, channel: Channel, queue: str, reply_to: str) -> None:
        self._channel = channel
        self._frames = PublishFrames(channel.number, channel.max_content_size, queue, reply_to)
        self._batches = Batches(channel, self._unsent_frames, PAUSE)
        self._unsent: dict[str, list[bytes | memoryview]] = {}  # by message_id, in their order
        self._confirms: dict[str, asyncio.Future[object]] = {}  # of all that are not confirmed, by message_id
        self._has_ended = False

    async def ready(self) -> None:
        """Wait until the broker reads from this connection: under an alarm it does not."""
        await self._channel.connection.ready()

    async def publish(self, message_id: str, body: bytes, headers: Mapping[str, str], content_type: str) -> None:
        """Returns once the broker has confirmed it. Cancelled before it is sent, it is not sent.

        Raises PublishError when it is returned as unroutable, DeliveryError when it is refused, ConnectionError when
        the channel is lost.
        """
        if self._has_ended or self._channel.is_closed:
            raise ConnectionError("the channel is lost")
        frames, are_others_under_way = self._frames.of(body, headers, content_type, message_id), self._are_under_way
        confirm = self._confirms[message_id] = asyncio.get_running_loop().create_future()
        self._unsent[message_id] = frames
        self._batches.wake(is_urgent=not are_others_under_way or len(self._unsent) >= TOGETHER)
        try:
            await confirm
        finally:
            del self._confirms[message_id]
            self._unsent.pop(message_id, None)
            self._channel.message_id_delivery_tag.pop(message_id, None)
            if self._unsent and not self._are_under_way:
                self._batches.wake()

    @property
    def _are_under_way(self) -> bool:
        """True when the broker has yet to confirm some that were written."""
        return len(self._confirms) > len(self._unsent)

    def _unsent_frames(self) -> bytes:
        channel, pieces, size = self._channel, list[bytes | memoryview](), 0
        while self._unsent and size < BATCH_BYTES:
            message_id = next(iter(self._unsent))
            frames = self._unsent.pop(message_id)
            channel.delivery_tag += 1
            channel.confirmations[channel.delivery_tag] = self._confirms[message_id]
            channel.message_id_delivery_tag[message_id] = channel.delivery_tag
            pieces += frames
            size += sum(map(len, frames))
        return b"".join(pieces)

    def end(self) -> None:
        """The channel is lost, and with it what is not confirmed."""
        self._has_ended = True
        self._batches.end()
        for confirm in self._confirms.values():
            if not confirm.done():
                confirm.set_exception(ConnectionError("the connection was lost meanwhile"))
