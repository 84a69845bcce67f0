"""A TCP proxy of the tests' own between any two processes, which does to connections what networks do.

    client -- UP --> proxy -- UP --> server
           <- DOWN -       <- DOWN -

It runs an event loop in a thread; every method may be called from the test's thread, and holds when it returns.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.faults.forwarding import CHUNK, Connection, Pipe, Rules, Watch, Way

__all__ = ["Proxy", "Watch", "Way"]

T = TypeVar("T")

CALL_SECONDS = 10.0


class Proxy:
    """Forwards connections to `target_port` of this machine, until it is closed. `target_port` may be changed."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self._rules = {way: Rules() for way in Way}
        self._connections: dict[asyncio.Task[None], Connection | None] = {}
        self._is_black_hole = False
        self._refuses = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"proxy to {target_port}", daemon=True)
        self._thread.start()

    # What networks do

    def latency(self, seconds: float) -> None:
        """Each byte takes so long, in both directions."""
        self._set(latency=seconds)

    def slice(self, size: int) -> None:
        """Send in parts of 1 to `size` bytes; 0: as it comes."""
        self._set(slice=size)

    def hold(self, *ways: Way) -> None:
        """Forward nothing more in these directions (none: both), and keep it; the connections stay up."""
        self._set(*ways, is_held=True)

    def release(self, *ways: Way) -> None:
        """Forward what was kept, and what comes."""
        self._set(*ways, is_held=False)

    def cut(self) -> None:
        """End the connections that are open now (FIN to both sides); what was kept is lost."""
        self._call(lambda: self._end(reset=False))

    def reset(self) -> None:
        """As `cut`, but with an RST."""
        self._call(lambda: self._end(reset=True))

    def black_hole(self) -> None:
        """Swallow all bytes, and who asks for a connection. The connections of this time never hear a thing again,
        also after `heal`: the network has forgotten them; those that are made after it work.
        """

        def begin() -> None:
            self._is_black_hole = True
            for pipe in self._pipes():
                pipe.swallow()

        self._call(begin)

    def refuse(self) -> None:
        """Reset new connections at once."""
        self._call(lambda: setattr(self, "_refuses", True))

    def heal(self) -> None:
        """No latency, no slices, nothing held, refused or swallowed any more."""

        def end() -> None:
            self._is_black_hole = self._refuses = False

        self._call(end)
        self._set(latency=0.0, slice=0, is_held=False)

    # What a test sees of it

    @property
    def connections(self) -> int:
        """How many connections are open, those in a black hole included."""
        return len(self._connections)

    def passed(self, way: Way) -> int:
        """How many bytes have arrived in a direction, forwarded or not."""
        return self._rules[way].passed

    def watch(self, way: Way, pattern: bytes) -> Watch:
        """Look for some bytes (at most 256) in what arrives from now on."""
        watch = Watch(pattern)

        def begin() -> None:
            for pipe in self._pipes():
                pipe.forget()
            self._rules[way].watches.append(watch)

        self._call(begin)
        return watch

    def close(self) -> None:
        """End all connections and the proxy."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # In the proxy's thread

    def _call(self, work: Callable[[], T]) -> T:
        async def call() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(CALL_SECONDS)

    def _set(self, *ways: Way, **values: object) -> None:
        def change() -> None:
            for way in ways or Way:
                for name, value in values.items():
                    setattr(self._rules[way], name, value)
            for pipe in self._pipes():
                pipe.wake()

        self._call(change)

    def _pipes(self) -> Iterator[Pipe]:
        for connection in self._connections.values():
            if connection is not None:
                yield from connection.pipes

    def _end(self, *, reset: bool) -> None:
        for task, connection in self._connections.items():
            if connection is not None:
                connection.prepare_end(reset=reset)
            task.cancel()  # the sockets are closed at its end: asyncio must not find their numbers in use again

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._start(self._accept())
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._listener.close()
        self._loop.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._loop.create_task(work)

    async def _accept(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            task = self._start(self._serve(client))
            self._connections[task] = None
            task.add_done_callback(self._connections.pop)

    async def _serve(self, client: socket.socket) -> None:
        server = socket.socket()
        with contextlib.closing(client), contextlib.closing(server):
            for one in (client, server):
                one.setblocking(False)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, server, self._rules)
            task = asyncio.current_task()
            assert task is not None
            self._connections[task] = connection
            try:
                if self._refuses:
                    connection.prepare_end(reset=True)
                elif self._is_black_hole:
                    while await self._loop.sock_recv(client, CHUNK):
                        pass
                else:
                    await self._loop.sock_connect(server, ("127.0.0.1", self.target_port))
                    await connection.run()
            except (
                OSError
            ):  # who connected has gone, or the target's kernel refuses: either way the other side hears it
                connection.prepare_end(reset=True)
