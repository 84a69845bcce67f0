"""RFC 6455 as far as the benchmarks' own clients need it: the opening handshake, and frames of whole messages."""

import base64
import os
import struct
from typing import Final

TEXT: Final = 0x81
BINARY: Final = 0x82
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A
GOODBYE: Final = struct.pack("!H", 1000)
"""What a CLOSE says."""

_MASKED: Final = 0x80
_HEAD_END: Final = b"\r\n\r\n"


def request(port: int, subprotocol: str) -> bytes:
    """What a client says first."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
    ).encode()


def take_response(arrived: bytearray) -> bool:
    """Take the gateway's answer to that off the front; False when it is not all there."""
    end = arrived.find(_HEAD_END)
    if end < 0:
        return False
    assert arrived.startswith(b"HTTP/1.1 101"), bytes(arrived[:end])
    del arrived[: end + len(_HEAD_END)]
    return True


def frame(first: int, payload: bytes) -> bytes:
    """One frame (5.2); its mask is of zeros, which change nothing. first: what it is, TEXT to PONG."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB4x", first, _MASKED | size)
    elif size < 2**16:
        head = struct.pack("!BBH4x", first, _MASKED | 126, size)
    else:
        head = struct.pack("!BBQ4x", first, _MASKED | 127, size)
    return head + payload


def take_frame(arrived: bytearray) -> tuple[int, bytes] | None:
    """Take the first frame off the front: what it is, and its payload; None when it is not all there."""
    if len(arrived) < 2:
        return None
    size, at = arrived[1], 2
    if size == 126:
        size, at = int.from_bytes(arrived[2:4]), 4
    elif size == 127:
        size, at = int.from_bytes(arrived[2:10]), 10
    if len(arrived) < at + size:
        return None
    first, payload = arrived[0], bytes(arrived[at : at + size])
    del arrived[: at + size]
    return first, payload
