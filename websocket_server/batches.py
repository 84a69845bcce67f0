"""What a channel has to say, written together: what is said while one write is under way goes out with the next.

A part of `broker`. aiormq would make a task, a future and a write of every frame; and each write is a message to the
broker's process, and mostly an entry of its own, synced on its own, in its log.
"""

import asyncio
import logging
import math
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
    """Writes to one channel. collect: gives what is to be written now; empty when there is nothing.

    pause: seconds between two writes of what is not urgent.
    """

    def __init__(self, channel: Channel, collect: Callable[[], bytes], pause: float) -> None:
        self._channel = channel
        self._collect = collect
        self._pause = pause
        self._writing: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self.written_at = -math.inf  # in the loop's time
        self._has_ended = False

    def wake(self, *, is_urgent: bool = True) -> None:
        """There is something to be written: now, or when it is not urgent, a pause after the last write."""
        if self._writing is not None or self._has_ended or (self._later is not None and not is_urgent):
            return
        loop = asyncio.get_running_loop()
        seconds = 0.0 if is_urgent else self.written_at + self._pause - loop.time()
        if seconds > 0:
            self._later = loop.call_later(seconds, self._start)
        else:
            self._start()

    def _start(self) -> None:
        self._wait_no_longer()
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    def _wait_no_longer(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    async def _write(self) -> None:
        try:
            while not self._channel.is_closed and (payload := self._collect()):
                written = asyncio.get_running_loop().create_future()
                await self._channel.write_queue.put(ChannelFrame(payload, should_close=False, drain_future=written))
                await written
                self.written_at = asyncio.get_running_loop().time()
        except Exception:  # a mistake of ours, or no memory: what was counted as sent may not have been
            log.exception("what is to be said to the broker cannot be written; the channel is closed")
            await self._channel.close()
        self._writing = None

    async def written(self) -> None:
        """Wait until everything is written, or cannot be any more."""
        if self._later is not None:
            self._start()
        if self._writing is not None:
            await asyncio.wait((self._writing,))

    def end(self) -> None:
        """The channel is lost, and with it what is not written."""
        self._has_ended = True
        self._wait_no_longer()
        if self._writing is not None:
            self._writing.cancel()
