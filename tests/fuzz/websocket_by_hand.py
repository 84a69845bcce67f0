"""WebSocket by hand, on raw sockets: handshakes and frames as no library would send them."""

import base64
import contextlib
import functools
import os
import socket
import struct
import zlib
from collections.abc import Iterator

from tests.running import Gateway

SECONDS = 20.0
TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
FIN, RSV1 = 0x80, 0x40


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


@functools.cache
def bomb(size: int) -> bytes:
    """A compressed message of `size` zeros, as permessage-deflate has it (RFC 7692, 7.2.1)."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compress.compress(bytes(size)) + compress.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")
