"""The gateway alone: how many images one CPU second of its process carries, with an engine that answers at once.

Everything else is in other processes: the broker, an engine that reads nothing, and v2 clients with MessagePack. An OCR
server leaves PROCESSING out for an image that is read at once while others wait, so it is measured without and with it.
CPU time hardly depends on what else the machine does; it does on how many images are under way at a time.
"""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from websockets.sync.client import connect
from websockets.typing import Subprotocol

from protocol.codecs_v2 import MSGPACK
from protocol.messages_v2 import Failure, Hello, Received, Success, Upload, Welcome

from . import instant_engine, stack
from .figures import Figure, Reach
from .scale import Scale

CONNECTIONS, IN_FLIGHT = 8, 16
SIZES: Final = (("1 KB", 1_000, 6_000, Reach(3000)), ("200 KB", 200_000, 1_500, Reach(800)))
"""What it is called, bytes, how many are sent, what is to be reached."""

_spawn = multiprocessing.get_context("spawn")


def run(scale: Scale) -> list[Figure]:
    """Small and large images, without PROCESSING and with it."""
    figures = []
    for says_processing in (False, True):
        for name, size, count, reach in SIZES:
            with stack.running() as up, instant_engine.running(up.broker.port, says_processing=says_processing):
                gateway = up.services.gateway("RabbitMQ.body=raw")
                _send(gateway.port, size, scale.count(count // 10))  # warm
                rounds = [_per_cpu_second(gateway, size, scale.count(count)) for _ in range(scale.rounds)]
            what = f"gateway alone, {name}{' with PROCESSING' if says_processing else ''}"
            figures.append(Figure(what, "/CPU s", rounds, None if says_processing else reach))
    return figures


def _per_cpu_second(gateway: Any, size: int, count: int) -> float:
    before = stack.cpu_seconds(gateway.process.pid)
    _send(gateway.port, size, count)
    return count / max(stack.cpu_seconds(gateway.process.pid) - before, 0.01)


def _send(port: int, size: int, count: int) -> None:
    """Have `count` images sent and answered by clients in a process of their own."""
    clients = _spawn.Process(target=_clients, args=(port, size, count))
    clients.start()
    clients.join()
    if clients.exitcode:
        raise RuntimeError("the clients failed; their traceback is above")


def _clients(port: int, size: int, count: int) -> None:
    failed: list[BaseException] = []
    left = iter(range(count))
    threads = [threading.Thread(target=_noting(failed, _client), args=(port, size, left)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _noting(failed: list[BaseException], run_it: Callable[..., None]) -> Callable[..., None]:
    def noted(*arguments: Any) -> None:
        try:
            run_it(*arguments)
        except BaseException as error:  # noqa: BLE001 - raised by the main thread
            failed.append(error)

    return noted


def _client(port: int, size: int, left: Iterator[int]) -> None:
    """Keep IN_FLIGHT images on their way; after each look at what has come, say Received for all of it at once."""
    offers = [Subprotocol(MSGPACK.subprotocol)]
    with connect(f"ws://127.0.0.1:{port}", subprotocols=offers, compression=None, proxy=None) as connection:
        connection.send(MSGPACK.encode(Hello("gateway alone")))
        welcome = MSGPACK.decode_gateway_message(_bytes(connection.recv()))
        assert isinstance(welcome, Welcome), welcome
        under_way: set[str] = set()
        while True:
            while len(under_way) < IN_FLIGHT and (number := next(left, None)) is not None:
                under_way.add(f"{number}")
                image = os.urandom(size)
                upload = Upload(welcome.client_uuid, f"{number}.png", image, f"{number}")
                connection.send(MSGPACK.encode(upload))
            if not under_way:
                return
            received = []
            for frame in _frames(connection):
                message = MSGPACK.decode_gateway_message(frame)
                assert not isinstance(message, Failure), message
                if isinstance(message, Success):
                    under_way.remove(message.request_id)
                    received.append(message.request_id)
            if received:
                connection.send(MSGPACK.encode(Received(welcome.client_uuid, tuple(received))))


def _frames(connection: Any) -> Iterator[bytes]:
    """Wait for a frame, then take those that are there."""
    yield _bytes(connection.recv(timeout=60))
    with contextlib.suppress(TimeoutError):
        while True:
            yield _bytes(connection.recv(timeout=0))


def _bytes(frame: str | bytes) -> bytes:
    assert isinstance(frame, bytes)
    return frame
