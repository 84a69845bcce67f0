"""Frames on paper: what is masked can be read again, and only what is usual and whole is taken."""

import struct

import pytest

from client.framing import PIECE, masked, whole_messages

TEXT, BINARY, PING = 1, 2, 9


def _unmasked(frame: bytes) -> tuple[int, bytes]:
    """The first byte and the message of a client's frame, read slowly."""
    size, start = frame[1] & 127, 2
    assert frame[1] & 128
    if size == 126:
        (size,), start = struct.unpack("!H", frame[2:4]), 4
    elif size == 127:
        (size,), start = struct.unpack("!Q", frame[2:10]), 10
    key, body = frame[start : start + 4], frame[start + 4 :]
    assert len(body) == size
    return frame[0], bytes(byte ^ key[at % 4] for at, byte in enumerate(body))


def _frame(message: bytes, first: int = 128 | TEXT) -> bytes:
    """As a gateway sends it."""
    size = len(message)
    return bytes([first, size] if size < 126 else [first, 126, *size.to_bytes(2, "big")]) + message


@pytest.mark.parametrize(
    "size", [0, 1, 3, 4, 125, 126, 65535, 65536, PIECE - 1, PIECE + 1, PIECE + 2, 2 * PIECE, 3 * PIECE + 7]
)
def test_a_message_of_any_size_is_one_frame_that_says_the_same(size: int) -> None:
    message = bytes(at * 7 % 251 for at in range(size))
    pieces = list(masked(message, BINARY))
    assert len(pieces) == max(1, -(-size // PIECE))
    assert _unmasked(b"".join(pieces)) == (128 | BINARY, message)


def test_each_frame_has_a_mask_of_its_own() -> None:
    assert len({b"".join(masked(bytes(8), TEXT)) for _ in range(100)}) == 100


def test_whole_messages_are_taken_from_the_front() -> None:
    messages = [b"", b"a", bytes(125), bytes(126), bytes(60_000)]
    assert whole_messages(b"".join(map(_frame, messages))) == (messages, b"")
    assert whole_messages(_frame(b"a", 128 | BINARY)) == ([b"a"], b"")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(_frame(b"a", TEXT), id="a fragment"),
        pytest.param(_frame(b"a", 128), id="the last fragment"),
        pytest.param(_frame(b"a", 128 | PING), id="a ping"),
        pytest.param(_frame(b"a", 128 | 64 | TEXT), id="with an extension"),
        pytest.param(bytes([129, 127]) + (70_000).to_bytes(8, "big") + bytes(10), id="a large one"),
        pytest.param(bytes([129, 129]) + b"mask" + b"a", id="a masked one"),
        pytest.param(_frame(bytes(1000))[:-1], id="all but the last byte"),
        pytest.param(b"\x81\x7e\x01", id="half of a head"),
        pytest.param(b"\x81", id="a byte"),
    ],
)
def test_what_is_unusual_or_cut_off_is_left_with_all_that_follows(other: bytes) -> None:
    assert whole_messages(_frame(b"first") + other) == ([b"first"], other)
