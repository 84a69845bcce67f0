"""The tests' own proxy does to connections what its methods say."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.faults.proxy import Proxy, Way
from tests.running import free_port, wait_until

SECONDS = 5.0


class Echo:
    """A server that sends back what it gets, and counts who is connected."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connected = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connected += 1
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one: socket.socket) -> None:
        with closing(one):
            try:
                while data := one.recv(65536):
                    one.sendall(data)
            except OSError:  # reset
                pass
        self.connected -= 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client:
        _echoed(client, b"first")
        yield client


def _echoed(client: socket.socket, data: bytes) -> list[bytes]:
    """The parts in which the data came back."""
    client.sendall(data)
    return _heard(client, len(data))


def _heard(client: socket.socket, size: int) -> list[bytes]:
    parts: list[bytes] = []
    while sum(map(len, parts)) < size:
        part = client.recv(65536)
        assert part, "the connection ended"
        parts.append(part)
    return parts


def _is_silent(client: socket.socket, seconds: float = 0.2) -> bool:
    client.settimeout(seconds)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(SECONDS)
    return False


def test_it_forwards_both_ways_also_what_is_larger_than_its_buffers(client: socket.socket) -> None:
    data = bytes(range(256)) * 20_000
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    assert b"".join(_heard(client, len(data))) == data
    sender.join()


def test_half_a_close_is_forwarded(client: socket.socket, echo: Echo) -> None:
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    wait_until(lambda: echo.connected == 0, "the server has heard of it")


def test_latency_delays_each_way(client: socket.socket, proxy: Proxy) -> None:
    proxy.latency(0.1)
    start = time.monotonic()
    _echoed(client, b"late")
    assert time.monotonic() - start >= 0.2


def test_slices_are_small_and_together_whole(client: socket.socket, proxy: Proxy) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    proxy.slice(3)
    data = bytes(range(256)) * 4
    assert b"".join(_echoed(client, data)) == data


@pytest.mark.parametrize("way", list(Way))
def test_what_is_held_comes_when_it_is_released(client: socket.socket, proxy: Proxy, way: Way) -> None:
    watch = proxy.watch(way, b"held back")
    proxy.hold(way)
    client.sendall(b"held back")
    watch.wait("the bytes have arrived")
    assert _is_silent(client)
    proxy.release(way)
    assert b"".join(_heard(client, 9)) == b"held back"


def test_a_watch_sees_what_comes_in_parts_and_not_what_came_before(client: socket.socket, proxy: Proxy) -> None:
    _echoed(client, b"abc")
    watch = proxy.watch(Way.UP, b"abcdef")
    _echoed(client, b"def")
    assert not watch.seen.is_set()
    _echoed(client, b"abc")
    _echoed(client, b"def")
    watch.wait("both parts")


@pytest.mark.parametrize("end", [Proxy.cut, Proxy.reset])
def test_both_sides_hear_of_an_end_and_new_connections_work(
    client: socket.socket, proxy: Proxy, echo: Echo, end: Callable[[Proxy], None]
) -> None:
    proxy.hold(Way.DOWN)
    watch = proxy.watch(Way.DOWN, b"lost")
    client.sendall(b"lost")
    watch.wait("the bytes have arrived")
    end(proxy)
    if end is Proxy.cut:
        assert client.recv(1) == b""
    else:
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    wait_until(lambda: echo.connected == 0, "the server has heard of it")
    proxy.heal()
    with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as another:
        _echoed(another, b"again")


def test_a_black_hole_tells_nobody_and_is_for_ever_for_its_connections(
    client: socket.socket, proxy: Proxy, echo: Echo
) -> None:
    proxy.black_hole()
    client.sendall(b"lost")
    with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as another:
        another.sendall(b"lost")
        assert _is_silent(another)
    assert _is_silent(client)
    proxy.heal()
    client.sendall(b"lost, too")
    assert _is_silent(client)
    with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as another:
        _echoed(another, b"again")
    wait_until(lambda: echo.connected == 1, "only the one that was swallowed is left")
    client.close()
    wait_until(lambda: proxy.connections == 1, "those that worked have ended")


def test_refused_connections_are_reset(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as refused:
        refused.recv(1)


def test_a_target_that_is_not_there_resets_and_one_that_comes_is_reached(echo: Echo) -> None:
    with Proxy(free_port()) as proxy:
        with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as lost:
            lost.recv(1)
        proxy.target_port = echo.port
        with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as found:
            _echoed(found, b"there")
            assert proxy.connections == 1
            assert proxy.passed(Way.UP) == proxy.passed(Way.DOWN) == 5
        wait_until(lambda: proxy.connections == 0, "the connection has ended")
