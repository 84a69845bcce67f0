"""One connection: what has arrived counts, also when the connection has ended since."""

import threading
import time

import pytest

from client.address import shown
from client.connection import Connection
from client.errors import ConnectionLost
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit


def _ended(connection: Connection) -> ConnectionLost:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        lost = connection.ended()
        if lost is not None:
            return lost
    raise AssertionError("the connection does not end")


def test_an_end_is_noticed_without_waiting_and_hides_no_message(gateway: FakeGateway) -> None:
    go_on = threading.Event()

    def greet_and_close(visit: Visit) -> None:
        go_on.wait(SECONDS)
        visit.send("first")
        visit.connection.ping()
        visit.send("second")
        visit.close(4000, "idle")

    gateway.on_hello = greet_and_close
    connection = Connection(gateway.url, None, SECONDS)
    connection.send(b'{"ClientName": "Ada"}', SECONDS)
    assert connection.ended() is None
    go_on.set()
    assert _ended(connection).close_code == 4000
    assert [connection.receive(SECONDS), connection.receive(SECONDS)] == [b"first", b"second"]
    with pytest.raises(ConnectionLost, match="idle"):
        connection.receive(SECONDS)
    connection.close()


def test_a_send_that_fails_hides_neither_a_message_nor_the_reason(gateway: FakeGateway) -> None:
    def leave(visit: Visit) -> None:
        visit.send("a message")
        visit.connection.socket.sendall(bytes([0x88, 4]) + (1013).to_bytes(2, "big") + b"!!")  # a close frame
        visit.cut()

    gateway.on_hello = leave
    connection = Connection(gateway.url, None, SECONDS)
    connection.send(b'{"ClientName": "Ada"}', SECONDS)
    gateway.wait_until_all_are_gone()
    for _ in range(3):  # the first of them may still find room in the system's buffers
        connection.send(bytes(1_000_000), SECONDS)
    assert connection.receive(SECONDS) == b"a message"
    with pytest.raises(ConnectionLost, match=r"too busy.*\(1013: !!\)"):
        connection.receive(SECONDS)
    connection.close()


def test_another_thread_can_abort_the_waiting(gateway: FakeGateway) -> None:
    connection = Connection(gateway.url, None, SECONDS)
    timer = threading.Timer(0.05, connection.abort)
    timer.start()
    with pytest.raises(ConnectionLost, match="broke"):
        connection.receive(SECONDS)
    timer.join()
    connection.close()
    connection.close()


def test_a_password_in_the_url_is_not_shown() -> None:
    assert shown("wss://ada:secret@host:1/x?y=1") == "wss://host:1/x?y=1"
