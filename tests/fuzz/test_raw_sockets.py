"""Abuse below the level of messages, on raw sockets: the gateway ends what it must, waits where it may, and serves good
clients all the while. RFC 6455 says what a frame is (5.2) and what fails a connection (7.1.7).
"""

import contextlib
import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.fuzz.living import GoodClients
from tests.fuzz.websocket_by_hand import (
    BINARY,
    CLOSE,
    FIN,
    PING,
    RSV1,
    SECONDS,
    TEXT,
    assert_closed_with,
    assert_ended,
    bomb,
    frame,
    handshake,
    raw,
    read_frame,
    read_head,
    shaken,
)
from tests.running import Gateway, http_status, wait_until

pytestmark = pytest.mark.usefixtures("good_clients")

HELLO = b'{"ClientName": "raw"}'


def assert_welcomed(sock: socket.socket) -> None:
    opcode, payload = read_frame(sock)
    assert opcode == TEXT
    assert set(json.loads(payload)) == {"ClientUUID"}


@pytest.fixture(scope="module", autouse=True)
def unfinished(gateway: Gateway) -> Iterator[socket.socket]:
    """A handshake that is begun before all tests, and never ends: the last test looks at it."""
    with raw(gateway) as sock:
        sock.sendall(handshake()[:-2])
        yield sock


# Before there is a WebSocket


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # TLS
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"AMQP\x00\x00\x09\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x00" * 100_000,
        b"\xff\xfe" * 50_000,
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
        b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"\r\n\r\n\r\n",
        handshake("Sec-WebSocket-Key: again"),
        handshake().replace(b"Version: 13", b"Version: 99"),
        handshake().replace(b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: short"),
    ],
    ids=lambda sent: ascii(sent[:30].decode("latin-1")),
)
def test_garbage_instead_of_a_handshake_ends_the_connection(gateway: Gateway, sent: bytes) -> None:
    with raw(gateway) as sock:
        with contextlib.suppress(ConnectionError):  # the gateway has heard enough before the end
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
        assert_ended(sock)


def test_a_handshake_one_byte_at_a_time_is_one(gateway: Gateway) -> None:
    with raw(gateway) as sock:
        for byte in handshake():
            sock.sendall(bytes([byte]))
        assert read_head(sock).startswith("HTTP/1.1 101")
        sock.sendall(frame(HELLO))
        assert_welcomed(sock)


def test_a_handshake_and_frames_in_one_packet_are_taken(gateway: Gateway) -> None:
    with raw(gateway) as sock:
        sock.sendall(handshake() + frame(HELLO))
        assert read_head(sock).startswith("HTTP/1.1 101")
        assert_welcomed(sock)


@pytest.mark.parametrize("count", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_half_open_connections_leave_room_for_others(gateway: Gateway, good_clients: GoodClients, count: int) -> None:
    before = handshake()
    with ExitStack() as opened:
        for number in range(count):
            sock = opened.enter_context(raw(gateway))
            # Some say nothing, some half a handshake, some all of it and no hello, some half a frame.
            sock.sendall((b"", before[: number % len(before)], handshake(), handshake() + frame(HELLO)[:9])[number % 4])
        good_clients.wait_for_more(10)
        assert http_status(gateway.port, "/readyz") == 200
    good_clients.wait_for_more()


# Frames that are none


@pytest.mark.parametrize(
    ("sent", "codes"),
    [
        (frame(HELLO, masked=False), (1002,)),
        (frame(b"", FIN | 0x3), (1002,)),
        (frame(b"", FIN | 0x7), (1002,)),
        (frame(b"", FIN | 0xB), (1002,)),
        (frame(b"", FIN | 0xF), (1002,)),
        (frame(HELLO, FIN | RSV1 | TEXT), (1002,)),
        (frame(HELLO, FIN | 0x20 | TEXT), (1002,)),
        (frame(HELLO, FIN | 0x10 | TEXT), (1002,)),
        (frame(bytes(126), FIN | PING), (1002,)),
        (frame(b"", PING), (1002,)),
        (frame(HELLO, FIN), (1002,)),  # goes on with nothing
        (frame(HELLO, TEXT) + frame(HELLO, FIN | TEXT), (1002,)),  # another message before the end of this one
        (frame(b"\x03", FIN | CLOSE), (1002,)),
        (frame(struct.pack("!H", 1005), FIN | CLOSE), (1002,)),
        (frame(struct.pack("!H", 1000) + b"\xff", FIN | CLOSE), (1002, 1007)),
        (frame(b"", length=2**63 - 1), (1009,)),
        (frame(b"", length=2**31), (1009,)),
        (frame(b"", length=2**64 - 1), (1002, 1009)),
        (frame(b"", BINARY, length=2**40), (1009,)),
    ],
    ids=lambda value: value.hex(" ")[:40] if isinstance(value, bytes) else "",
)
def test_a_frame_against_the_rules_closes_the_connection(gateway: Gateway, sent: bytes, codes: tuple[int, ...]) -> None:
    with raw(gateway) as sock:
        shaken(sock)
        sock.sendall(sent)
        assert_closed_with(sock, *codes)


def test_a_frame_too_large_names_the_limit_before_it_has_arrived(gateway: Gateway) -> None:
    with raw(gateway) as sock:
        shaken(sock)
        sock.sendall(frame(HELLO, length=2**32))
        opcode, payload = read_frame(sock)
        assert (opcode, struct.unpack("!H", payload[:2])[0]) == (CLOSE, 1009)
        assert b"10485760" in payload


def test_many_fragments_do_not_get_around_the_limit(gateway: Gateway) -> None:
    part = bytes(4 * 1024 * 1024)
    with raw(gateway) as sock:
        shaken(sock)
        with contextlib.suppress(ConnectionError):
            sock.sendall(frame(part, BINARY))
            for _ in range(10):
                sock.sendall(frame(part, 0))
        with contextlib.suppress(ConnectionResetError):  # it need not read to the end what it does not want
            assert_closed_with(sock, 1009)


def test_an_upload_in_fragments_of_one_byte_is_read(gateway: Gateway, good_clients: GoodClients) -> None:
    with raw(gateway) as sock:
        shaken(sock)
        parts = [frame(bytes([byte]), 0) for byte in HELLO[1:-1]]
        sock.sendall(frame(HELLO[:1], TEXT) + b"".join(parts) + frame(HELLO[-1:], FIN))
        opcode, payload = read_frame(sock)
        assert opcode == TEXT
        upload = {
            "ClientUUID": json.loads(payload)["ClientUUID"],
            "ImageFileName": "slices.png",
            "ImageBase64Data": "QUJD" * 900,
        }
        content = json.dumps(upload).encode()
        pieces = b"".join(frame(content[at : at + 1], 0) for at in range(1, len(content) - 1))
        sock.sendall(frame(content[:1], TEXT) + pieces + frame(content[-1:], FIN))
        kinds = [json.loads(read_frame(sock)[1])["ResponseMessage"] for _ in range(2)]
        assert kinds == ["PENDING", "SUCCESS"]
    good_clients.wait_for_more()


@pytest.mark.parametrize("payload", [b"", b" "])
def test_a_message_in_too_many_fragments_is_refused_in_words(
    gateway: Gateway, good_clients: GoodClients, payload: bytes
) -> None:
    with raw(gateway) as sock:
        shaken(sock)
        with contextlib.suppress(ConnectionError):
            sock.sendall(frame(b"", TEXT) + frame(payload, 0) * 50_000)
        good_clients.wait_for_more()
        opcode, reason = read_frame(sock)
        assert (opcode, struct.unpack("!H", reason[:2])[0]) == (CLOSE, 1009)
        assert b"fragments" in reason


def test_a_flood_of_pings_is_answered_and_costs_nobody_else_anything(
    gateway: Gateway, good_clients: GoodClients
) -> None:
    with raw(gateway) as sock:
        shaken(sock)
        for _ in range(100):
            sock.sendall(frame(b"x" * 125, FIN | PING) * 20)
            for _ in range(20):
                opcode, payload = read_frame(sock)
                assert (opcode, payload) == (0xA, b"x" * 125)
        good_clients.wait_for_more()


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe5\x9c"])
def test_text_that_is_no_utf8_is_refused(gateway: Gateway, bad: bytes) -> None:
    with raw(gateway) as sock:
        shaken(sock)
        sock.sendall(frame(b'{"ClientName": "' + bad + b'"}'))
        opcode, payload = read_frame(sock)
        if opcode == CLOSE:
            assert struct.unpack("!H", payload[:2])[0] == 1007
        else:
            assert json.loads(payload)["ResponseMessage"] == "FAILED"


@pytest.mark.parametrize("subprotocol", ["", "ocr.v2", "ocr.v2.msgpack"])
def test_compression_is_not_agreed_on_and_a_bomb_is_not_unpacked(gateway: Gateway, subprotocol: str) -> None:
    offers = ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
    if subprotocol:
        offers.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    with raw(gateway) as sock:
        head = shaken(sock, *offers)
        assert "permessage-deflate" not in head.lower()
        sock.sendall(frame(bomb(512 * 1024 * 1024), FIN | RSV1 | BINARY))
        assert_closed_with(sock, 1002)


# Clients that take their time


def test_a_frame_that_stops_in_its_middle_holds_back_nobody(gateway: Gateway, good_clients: GoodClients) -> None:
    with raw(gateway) as sock:
        shaken(sock)
        sock.sendall(frame(HELLO + b" " * 1000, length=2000))
        good_clients.wait_for_more(10)
        sock.sendall(b" " * (2000 - len(HELLO) - 1000))
        assert_welcomed(sock)


def test_who_never_reads_holds_back_nobody(gateway: Gateway, good_clients: GoodClients) -> None:
    refused = frame(b'{"ImageFileName": "' + b"x" * 1000 + b'"}')  # answered with as much
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(SECONDS)
        sock.connect(("127.0.0.1", gateway.port))
        shaken(sock)
        sock.settimeout(0.5)
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(20_000):  # until the gateway does not take any more
                sock.sendall(refused)
        good_clients.wait_for_more(10)


def test_who_resets_in_the_middle_of_anything_is_forgotten(gateway: Gateway, good_clients: GoodClients) -> None:
    whole = handshake() + frame(HELLO) + frame(b'{"ClientUUID": "', TEXT)
    for end in range(0, len(whole), 3):
        with raw(gateway) as sock:
            sock.sendall(whole[:end])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # an RST (socket(7))
    with raw(gateway) as sock:
        shaken(sock)
        sock.sendall(frame(HELLO))
        client_uuid = json.loads(read_frame(sock)[1])["ClientUUID"]
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    good_clients.wait_for_more()
    wait_until(lambda: f"client gone: {client_uuid}" in gateway.output(), "it is gone")


def test_a_handshake_that_never_ends_is_ended(unfinished: socket.socket) -> None:
    assert_ended(unfinished)  # websockets gives a handshake 10 s
