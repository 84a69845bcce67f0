"""One connection through the proxy: two directions, each received, looked at, kept and sent on by its rules."""

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum

CHUNK = 65536
# What is kept of a direction before its sender is no longer read: forwarding passes pressure on, holding keeps much.
KEPT_FORWARDING = 4 * CHUNK
KEPT_HOLDING = 256 * 1024 * 1024


class Way(StrEnum):
    """A direction: UP to the server, DOWN to who connected."""

    UP = "up"
    DOWN = "down"


class Watch:
    """Whether some bytes have arrived at the proxy in one direction, forwarded or not."""

    def __init__(self, pattern: bytes) -> None:
        self.pattern = pattern
        self.seen = threading.Event()

    def wait(self, what: str, seconds: float = 30.0) -> None:
        """Return once they have; AssertionError with `what` after `seconds`."""
        assert self.seen.wait(seconds), f"not within {seconds:g} s at the proxy: {what}"


class Rules:
    """What is done in one direction; read by its pipes at each step."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.slice = 0
        self.is_held = False
        self.passed = 0
        self.watches: list[Watch] = []


class Pipe:
    """One direction of one connection: a task that receives, a task that sends, what is kept between them."""

    def __init__(self, source: socket.socket, sink: socket.socket, rules: Rules) -> None:
        self._source, self._sink, self._rules = source, sink, rules
        self._kept: deque[tuple[float, bytes]] = deque()
        self._kept_bytes = 0
        self._tail = b""
        self._changed = asyncio.Event()
        self.is_swallowing = False

    def wake(self) -> None:
        self._changed.set()

    def swallow(self) -> None:
        """Lose what is kept and all that comes, from now on."""
        self.is_swallowing = True
        self._kept.clear()
        self._kept_bytes = 0
        self.wake()

    def forget(self) -> None:
        """What has arrived so far is no part of what a watch looks for."""
        self._tail = b""

    async def _until(self, holds: Callable[[], object]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    async def receive(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._until(self._has_room)
            try:
                data = await loop.sock_recv(self._source, CHUNK)
            except OSError:
                if not self.is_swallowing:
                    raise
                data = b""
            self._look_at(data)
            if self.is_swallowing:
                if not data:
                    await asyncio.Event().wait()  # a black hole does not tell that one side has gone
                continue
            self._kept.append((loop.time() + self._rules.latency, data))
            self._kept_bytes += len(data)
            self.wake()
            if not data:
                return

    def _has_room(self) -> bool:
        return self._kept_bytes < (KEPT_HOLDING if self._rules.is_held else KEPT_FORWARDING)

    def _look_at(self, data: bytes) -> None:
        self._rules.passed += len(data)
        seen = self._tail + data
        for watch in self._rules.watches:
            if watch.pattern in seen:
                watch.seen.set()
        self._tail = seen[-256:]

    async def send(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._until(lambda: self._kept and not self._rules.is_held and not self.is_swallowing)
            due, data = self._kept[0]
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
                continue  # it may be held by now
            self._kept.popleft()
            if not data:
                self._sink.shutdown(socket.SHUT_WR)
                return
            for part in _sliced(data, self._rules.slice):
                await loop.sock_sendall(self._sink, part)
            self._kept_bytes -= len(data)
            self.wake()


def _sliced(data: bytes, size: int) -> Iterator[bytes]:
    """The data in parts of 1, 2, … `size`, 1, 2, … bytes; whole for 0."""
    if not size:
        yield data
        return
    start = 0
    for length in itertools.cycle(range(1, size + 1)):
        if start >= len(data):
            return
        yield data[start : start + length]
        start += length


class Connection:
    def __init__(self, client: socket.socket, server: socket.socket, rules: dict[Way, Rules]) -> None:
        self.client, self.server = client, server
        self.pipes = (Pipe(client, server, rules[Way.UP]), Pipe(server, client, rules[Way.DOWN]))

    async def run(self) -> None:
        """Forward until both directions have ended, or one has broken: then the other end breaks too."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for pipe in self.pipes:
                    tasks.create_task(pipe.receive())
                    tasks.create_task(pipe.send())
        except* OSError:
            self.prepare_end(reset=True)

    def prepare_end(self, *, reset: bool) -> None:
        """Decide how the sockets end that are about to be closed."""
        for one in (self.client, self.server):
            if reset:
                # Lingering for no time: the end is an RST, and what was not sent is lost (socket(7)).
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:  # a close alone would be an RST where something has arrived that was not read
                with contextlib.suppress(OSError):  # not connected, or not any more
                    one.shutdown(socket.SHUT_WR)
