"""Abuse below the level of messages, on raw sockets: the gateway ends what it must, waits where it may, and serves good
clients all the while. RFC 6455 says what a frame is (5.2) and what fails a connection (7.1.7).
"""

import base64
import contextlib
import functools
import json
import os
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.fuzz.living import GoodClients
from tests.running import Gateway, http_status, wait_until

pytestmark = pytest.mark.usefixtures("good_clients")

SECONDS = 20.0
TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
FIN, RSV1 = 0x80, 0x40
HELLO = b'{"ClientName": "raw"}'


@contextlib.contextmanager
def raw(gateway: Gateway) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock


def handshake(*headers: str) -> bytes:
    lines = [
        "GET / HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def read_exactly(sock: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = sock.recv(size - len(found))
        if not part:
            raise EOFError(f"the gateway ended the connection after {found!r}")
        found += part
    return found


def read_head(sock: socket.socket) -> str:
    """The gateway's answer to the handshake."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        found += read_exactly(sock, 1)
    return found.decode()


def shaken(sock: socket.socket, *headers: str) -> str:
    sock.sendall(handshake(*headers))
    head = read_head(sock)
    assert head.startswith("HTTP/1.1 101"), head
    return head


def frame(payload: bytes, first: int = FIN | TEXT, *, masked: bool = True, length: int | None = None) -> bytes:
    """A frame. length: what its head claims; None: the truth."""
    size = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + (bytes(4) if masked else b"") + payload  # a mask of zeros changes nothing


def read_frame(sock: socket.socket) -> tuple[int, bytes]:
    """Opcode and payload of the gateway's next frame."""
    first, size = read_exactly(sock, 2)
    if size == 126:
        (size,) = struct.unpack("!H", read_exactly(sock, 2))
    elif size == 127:
        (size,) = struct.unpack("!Q", read_exactly(sock, 8))
    return first & 0x0F, read_exactly(sock, size)


def assert_closed_with(sock: socket.socket, *codes: int) -> None:
    """The gateway says a close frame with one of the codes, perhaps after messages, and ends the connection."""
    opcode, payload = read_frame(sock)
    while opcode != CLOSE:
        opcode, payload = read_frame(sock)
    assert struct.unpack("!H", payload[:2])[0] in codes, payload
    sock.sendall(frame(payload[:2], FIN | CLOSE))
    assert_ended(sock)


def assert_ended(sock: socket.socket) -> None:
    """The gateway ends the connection, whatever it says before."""
    with contextlib.suppress(ConnectionResetError):
        while sock.recv(65536):
            pass


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


@functools.cache
def bomb(size: int) -> bytes:
    """A compressed message of `size` zeros, as permessage-deflate has it (RFC 7692, 7.2.1)."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compress.compress(bytes(size)) + compress.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


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
        sock.settimeout(0.5)
        sock.connect(("127.0.0.1", gateway.port))
        shaken(sock)
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
    good_clients.wait_for_more()
    wait_until(lambda: gateway.output().count("client gone") >= 1, "clients are gone")


def test_a_handshake_that_never_ends_is_ended(unfinished: socket.socket) -> None:
    assert_ended(unfinished)  # websockets gives a handshake 10 s
