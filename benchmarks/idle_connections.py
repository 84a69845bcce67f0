"""Ten thousand idle connections on one gateway: what each costs, and how quickly a message on any of them is answered.

The clients answer the gateway's pings and are otherwise still. Messages go out one at a time, on connections by chance.
The gateway's own part is a refused upload, which asks nothing of the broker; an accepted one waits for the broker's
disk, and then for an engine that answers at once.
"""

import asyncio
import contextlib
import http.client
import random
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from protocol import messages_v2 as v2
from tests.running import Gateway

from . import instant_engine, stack
from .figures import Curve, Figure, Reach, percentile
from .idle_clients import IdleClient, connect
from .scale import Scale

CONNECTIONS: Final = 10_000
STEPS: Final = (0.1, 0.25, 0.5, 1.0)
"""Parts of the connections at which the memory is looked at."""

OTHER_FILES: Final = 500
"""Open files that are left for other things than connections, where not so many may be open."""

MESSAGES, PAUSE = 1_000, 0.01
PAGES: Final = 20
PING_INTERVAL: Final = 20.0
SETTLE: Final = 1.0
IMAGE: Final = bytes(1000)

Ask = Callable[[IdleClient, str], Awaitable[None]]


def run(scale: Scale) -> list[Figure | Curve]:
    """Bytes a connection, how quickly they come, and how quickly messages on them are answered."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - OTHER_FILES
    count = min(scale.count(CONNECTIONS), most)
    rounds = []
    with stack.running() as up, instant_engine.running(up.broker.port):
        for _ in range(scale.rounds):
            gateway = up.services.gateway("WebSocket.idle_timeout=3600", f"WebSocket.max_connections={count + 10}")
            measured = _Round(gateway)
            asyncio.run(measured.take(count, scale))
            gateway.stop()
            rounds.append(measured)
    note = f"{count:,} connections, a ping each {PING_INTERVAL:g} s, {1 / PAUSE:g} messages a second at most"
    memory = Curve(
        "memory",
        "idle connections",
        "memory of the gateway's process, MB",
        {"proportional set size": [(at, size / 1e6) for at, size in rounds[-1].memory]},
    )
    return [
        Figure(
            "memory of an idle connection", "KB", [one.bytes_each / 1000 for one in rounds], Reach(20, is_most=True)
        ),
        *_times("answer of the gateway itself, a refused upload", [one.refused for one in rounds], 10, note),
        *_times("PENDING on one of the connections", [one.pending for one in rounds], None, ""),
        *_times("text on one of the connections, engine at once", [one.answered for one in rounds], 10, ""),
        Figure("connections that are accepted, hello and welcome included", "/s", [one.accepted for one in rounds]),
        Figure("page of metrics with so many connections", "ms", [1000 * one.page for one in rounds]),
        memory,
    ]


def _times(name: str, rounds: list[list[float]], reach: float | None, note: str) -> Iterator[Figure]:
    for percent in (50, 99):
        bound = Reach(reach, is_most=True) if reach is not None and percent == 99 else None
        yield Figure(f"{name}, p{percent}", "ms", [1000 * percentile(one, percent) for one in rounds], bound, note=note)


class _Round:
    """What is measured of one gateway. Times in seconds; memory: bytes with so many connections."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._clients: list[IdleClient] = []
        self.memory: list[tuple[int, int]] = []
        self.bytes_each = self.accepted = self.page = 0.0
        self.refused: list[float] = []
        self.pending: list[float] = []
        self.answered: list[float] = []

    async def take(self, count: int, scale: Scale) -> None:
        """Open so many connections, then say something on them."""
        await self._open(count)
        # From here on every connection has been pinged: what that leaves behind belongs to it.
        await asyncio.sleep(SETTLE if scale.is_quick else PING_INTERVAL)
        self.memory[-1] = (count, self._memory())
        self.bytes_each = (self.memory[-1][1] - self.memory[0][1]) / count
        self.refused = await self._said(scale.count(MESSAGES), _refused)
        self.answered = await self._said(scale.count(MESSAGES), self._read)
        self.page = await asyncio.to_thread(self._fetch_pages)
        for client in self._clients:
            client.leave()

    async def _open(self, count: int) -> None:
        self.memory.append((0, self._memory()))
        spent = 0.0
        for part in STEPS:
            wanted = max(1, round(count * part))
            begun = time.perf_counter()
            self._clients += await connect(self._gateway.port, wanted - len(self._clients))
            spent += time.perf_counter() - begun
            await asyncio.sleep(SETTLE / len(STEPS))
            self.memory.append((wanted, self._memory()))
        self.accepted = count / spent

    def _memory(self) -> int:
        return stack.memory(self._gateway.process.pid)

    async def _said(self, count: int, ask: Ask) -> list[float]:
        found = []
        for number in range(count):
            client = random.choice(self._clients)  # noqa: S311 - not for secrets
            begun = time.perf_counter()
            await ask(client, f"{number}")
            found.append(time.perf_counter() - begun)
            await asyncio.sleep(PAUSE)
        return found

    async def _read(self, client: IdleClient, request_id: str) -> None:
        """From an upload to its text; PENDING comes on the way."""
        begun = time.perf_counter()
        client.say(v2.Upload(client.client_uuid, "idle.png", IMAGE, request_id))
        while isinstance(message := await client.hear(), v2.Progress):
            if message.response_message == "PENDING":
                self.pending.append(time.perf_counter() - begun)
        assert isinstance(message, v2.Success), message
        client.say(v2.Received(client.client_uuid, (request_id,)))

    def _fetch_pages(self) -> float:
        """Seconds that a page takes, the median of some."""
        found = []
        for _ in range(PAGES):
            begun = time.perf_counter()
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._gateway.port)) as connection:
                connection.request("GET", "/metrics")
                connection.getresponse().read()
            found.append(time.perf_counter() - begun)
        return percentile(found, 50)


async def _refused(client: IdleClient, request_id: str) -> None:
    """From an upload with somebody else's ClientUUID to its FAILED."""
    client.say(v2.Upload("somebody-else", "refused.png", IMAGE, request_id))
    message = await client.hear()
    assert isinstance(message, v2.Failure), message
