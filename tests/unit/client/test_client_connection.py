"""One connection: what has arrived counts, also when the connection has ended since."""

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme
from websocket import ABNF
from websockets.utils import accept_key

from client.address import shown
from client.connection import Connection
from client.errors import ConnectionLost
from client.frames import FrameSocket
from client.framing import PIECE
from protocol.codecs_v2 import MSGPACK
from protocol.messages_v2 import Cancel, Hello
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit
from tests.unit.client.running_client import v2_only


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


def _shake_hands(arrived: socket.socket) -> None:
    """As a v1 gateway does it."""
    key = arrived.recv(10_000).partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    answer = "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    arrived.sendall(f"{answer}{accept_key(key)}\r\n\r\n".encode())


def _talkative(messages: int, tls: ssl.SSLContext | None) -> tuple[socket.socket, threading.Thread]:
    """A gateway that reads nothing until so many messages of 100,000 bytes, with pings between them, were read."""
    server = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        raw = server.accept()[0]
        with tls.wrap_socket(raw, server_side=True) if tls else raw as arrived:
            _shake_hands(arrived)
            message = bytes([0x82, 127]) + (100_000).to_bytes(8, "big") + bytes(100_000)
            arrived.sendall((bytes([0x89, 4]) + b"ping" + message) * messages)
            while arrived.recv(1_000_000):
                pass

    thread = threading.Thread(target=talk)
    thread.start()
    return server, thread


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_gateway_that_sends_before_it_reads_and_a_client_that_sends_much_do_not_wait_for_each_other(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = None
    if scheme == "wss":
        authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server, thread = _talkative(300, tls)
    with server:
        connection = Connection(f"{scheme}://127.0.0.1:{server.getsockname()[1]}", None, SECONDS)
        connection.send(bytes(30_000_000), SECONDS)
        for _ in range(300):
            message = connection.receive(SECONDS)
            assert message is not None
            assert len(message) == 100_000
        connection.close()
    thread.join(SECONDS)
    assert not thread.is_alive()


def _frame(first: int, message: bytes) -> bytes:
    """As a gateway sends it: no mask, and the shortest head."""
    size = len(message)
    if size < 126:
        return bytes([first, size]) + message
    return (
        bytes([first, *((126, *size.to_bytes(2, "big")) if size < 1 << 16 else (127, *size.to_bytes(8, "big")))])
        + message
    )


@pytest.mark.parametrize("step", [1, 3, 1000, 70_000, 10_000_000])
def test_however_frames_are_cut_up_on_the_way_each_message_arrives_once_and_pings_are_answered(step: int) -> None:
    text, binary, going_on, end_of_it, ping, close = 0x81, 0x82, 0x00, 0x80, 0x89, 0x88
    large = b"b" * (3_000 if step < 10 else 200_000)
    frames = (
        *(
            _frame(text, b"one"),
            _frame(binary, b"two"),
            _frame(0x01, b"thr"),
            _frame(going_on, b"e"),
            _frame(ping, b"1"),
        ),
        *(_frame(end_of_it, b"e"), _frame(text, b""), _frame(binary, large), _frame(ping, b"2"), _frame(text, b"last")),
        _frame(close, (4000).to_bytes(2, "big") + b"idle"),
    )
    arrived_pongs = b""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send_in_steps() -> None:
            nonlocal arrived_pongs
            with server.accept()[0] as arrived:
                _shake_hands(arrived)
                arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sent = b"".join(frames)
                for at in range(0, len(sent), step):
                    arrived.sendall(sent[at : at + step])
                while data := arrived.recv(10_000):
                    arrived_pongs += data

        thread = threading.Thread(target=send_in_steps)
        thread.start()
        connection = Connection(f"ws://127.0.0.1:{server.getsockname()[1]}", None, SECONDS)
        messages = [connection.receive(SECONDS) for _ in range(6)]
        assert messages == [b"one", b"two", b"three", b"", large, b"last"]
        with pytest.raises(ConnectionLost, match="idle"):
            connection.receive(SECONDS)
        connection.close()
        thread.join(SECONDS)
    assert [arrived_pongs[at] for at in (0, 7, 14)] == [0x8A, 0x8A, 0x88]  # each with a mask and a byte; then a close


def test_a_small_message_waits_for_those_that_follow_and_leaves_before_the_goodbye(gateway: FakeGateway) -> None:
    connection = Connection(gateway.url, None, SECONDS)
    connection.send(b'{"ClientName": "Ada"}', SECONDS, more=True)
    connection.send(b'{"Cancel": ["one"]}', SECONDS, more=True)
    assert connection.has_unsent
    assert connection.ended() is None
    assert gateway.messages == []
    connection.flush()
    assert not connection.has_unsent
    assert gateway.wait_until_said("Cancel") == [["one"]]
    connection.send(b'{"Cancel": ["two"]}', SECONDS, more=True)
    connection.close()
    assert gateway.wait_until_said("Cancel", 2) == [["one"], ["two"]]


def test_a_ping_that_comes_while_a_message_is_sent_is_answered_with_what_is_flushed_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits_for_room, has_answered = threading.Event(), threading.Event()

    class Watched(FrameSocket):
        def _wait_for_room(self, taken_at: float) -> None:
            waits_for_room.set()
            super()._wait_for_room(taken_at)

        def send_frame(self, frame: ABNF) -> int:
            sent = super().send_frame(frame)
            has_answered.set()
            return sent

    monkeypatch.setattr("client.connection.FrameSocket", Watched)
    arrived_in_all = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def ping_before_reading() -> None:
            with server.accept()[0] as arrived:
                _shake_hands(arrived)
                assert waits_for_room.wait(SECONDS)
                arrived.sendall(_frame(0x89, b"ping"))
                assert has_answered.wait(SECONDS)
                while data := arrived.recv(1_000_000):
                    arrived_in_all.extend(data)

        thread = threading.Thread(target=ping_before_reading)
        thread.start()
        connection = Connection(f"ws://127.0.0.1:{server.getsockname()[1]}", None, SECONDS)
        for _ in range(300):
            connection.send(bytes(PIECE), SECONDS, more=True)
        assert connection.has_unsent
        connection.flush()
        connection.close()
        thread.join(SECONDS)
    pong, close = bytes(arrived_in_all[-18:-8]), bytes(arrived_in_all[-8:])  # each with a mask of 4 bytes
    assert (pong[:2], close[:2]) == (bytes([0x8A, 0x84]), bytes([0x88, 0x82]))


def test_a_message_that_does_not_go_out_in_its_time_ends_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        go_on = threading.Event()

        def read_nothing() -> None:
            with server.accept()[0] as arrived:
                _shake_hands(arrived)
                go_on.wait(SECONDS)

        thread = threading.Thread(target=read_nothing)
        thread.start()
        connection = Connection(f"ws://127.0.0.1:{server.getsockname()[1]}", None, SECONDS)
        connection.send(bytes(30_000_000), SECONDS, within=0.2)
        connection.send(b"not in the middle of the other", SECONDS)
        with pytest.raises(ConnectionLost, match=r"takes no data since 0\.2 s"):
            connection.receive(SECONDS)
        go_on.set()
        connection.close()
        thread.join(SECONDS)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.connection.PING_AFTER", 0.1)
    monkeypatch.setattr("client.connection.PONG_WITHIN", 0.3)


@v2_only
@pytest.mark.usefixtures("impatient")
def test_a_v2_gateway_that_answers_pings_may_be_silent_for_long(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.connection.PONG_WITHIN", 2.0)  # a busy machine's pongs are there by then, too
    connection = Connection(gateway.url, None, SECONDS, offers_v2=True)
    assert connection.codec is MSGPACK
    assert connection.receive(3.0) is None
    connection.close()


@v2_only
@pytest.mark.usefixtures("impatient")
def test_a_gateway_in_a_black_hole_is_noticed_by_its_missing_pongs(gateway: FakeGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as front:
        both: list[socket.socket] = []

        def pass_on_the_handshake_only() -> None:
            arrived, behind = front.accept()[0], socket.create_connection(("127.0.0.1", gateway.port))
            both.extend([arrived, behind])
            behind.sendall(arrived.recv(10_000))
            arrived.sendall(behind.recv(10_000))

        thread = threading.Thread(target=pass_on_the_handshake_only)
        thread.start()
        connection = Connection(f"ws://127.0.0.1:{front.getsockname()[1]}", None, SECONDS, offers_v2=True)
        thread.join(SECONDS)
        with pytest.raises(ConnectionLost, match="says nothing since"):
            connection.receive(SECONDS)
        connection.close()
        for one in both:
            one.close()


def test_who_is_woken_up_can_still_send_and_say_goodbye(gateway: FakeGateway) -> None:
    connection = Connection(gateway.url, None, SECONDS, offers_v2=True)
    codec = connection.codec
    hello = Hello("Ada")
    connection.send(codec.encode(hello) if codec else b'{"ClientName": "Ada"}', SECONDS)
    assert connection.receive(SECONDS)
    timer = threading.Timer(0.05, connection.abort)
    timer.start()
    with pytest.raises(ConnectionLost, match="interrupted"):
        connection.receive(SECONDS)
    timer.join()
    words = Cancel("uuid-1", ("one",))
    connection.send(codec.encode(words) if codec else b'{"ClientUUID": "uuid-1", "Cancel": ["one"]}', SECONDS)
    connection.close()
    assert gateway.wait_until_said("Cancel") == [["one"]]
    gateway.wait_until_all_are_gone()
    assert gateway.close_codes == [1000]
