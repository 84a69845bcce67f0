"""What a channel has to say, written together: what is said while one write is under way goes out with the next.

A part of `broker`. aiormq would make a task, a future and a write of every frame.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from aio_pika.abc import AbstractChannel
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

log = logging.getLogger("WebSocket server")


async def channel_of(channel: AbstractChannel) -> Channel:
    """aiormq's own channel below one of aio-pika."""
    return cast("Channel", await channel.get_underlay_channel())


class Batches:
    """Writes to one channel. collect: gives what is to be written now; empty when there is nothing."""

    def __init__(self, channel: Channel, collect: Callable[[], bytes]) -> None:
        self._channel = channel
        self._collect = collect
        self._writing: asyncio.Task[None] | None = None
        self._has_ended = False

    def wake(self) -> None:
        """There is something to be written."""
        if self._writing is None and not self._has_ended:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while not self._channel.is_closed and (payload := self._collect()):
                written = asyncio.get_running_loop().create_future()
                await self._channel.write_queue.put(ChannelFrame(payload, should_close=False, drain_future=written))
                await written
        except Exception:  # a mistake of ours, or no memory: what was counted as sent may not have been
            log.exception("what is to be said to the broker cannot be written; the channel is closed")
            await self._channel.close()
        self._writing = None

    async def written(self) -> None:
        """Wait until everything is written, or cannot be any more."""
        if self._writing is not None:
            await asyncio.wait((self._writing,))

    def end(self) -> None:
        """The channel is lost, and with it what is not written."""
        self._has_ended = True
        if self._writing is not None:
            self._writing.cancel()
