"""Whatever properties a message has, they are read as far as they can be, and nothing is raised."""

import struct

import pytest
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from websocket_server.odd_properties import tolerate

CONTENT_TYPE, HEADERS, CORRELATION_ID, MESSAGE_ID, TIMESTAMP = 1 << 15, 1 << 13, 1 << 10, 1 << 7, 1 << 6


def short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def table(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = short(b"a") + b"F" + table(content)
    return table(content)


def read(flags: int, content: bytes) -> Basic.Properties:
    tolerate()
    header = ContentHeader()
    header.unmarshal(struct.pack(">HHQH", 60, 0, 7, flags) + content)
    assert header.body_size == 7
    return header.properties


@pytest.mark.parametrize(
    ("flag", "odd"),
    [
        (HEADERS, table(short(b"\xff") + b"t\x01")),
        (HEADERS, table(short(b"a") + b"?\x01")),
        (HEADERS, nested(3000)),
        (CORRELATION_ID, short(b"\xff\xfe")),
        (TIMESTAMP, struct.pack(">Q", 1_795_291_886_000_000_000)),
        (TIMESTAMP, struct.pack(">Q", 2**64 - 1)),
    ],
    ids=["a key that is no text", "an unknown type", "deep tables", "no text", "nanoseconds", "the end of time"],
)
def test_a_property_that_cannot_be_read_is_not_there_and_the_others_are(flag: int, odd: bytes) -> None:
    sound = {CONTENT_TYPE: short(b"text/x"), flag: odd, MESSAGE_ID: short("é".encode())}
    found = read(sum(sound), b"".join(sound[key] for key in sorted(sound, reverse=True)))
    assert (found.content_type, found.message_id) == ("text/x", "é")
    assert not found.headers
    assert (found.correlation_id, found.timestamp) == (None, None)


def test_properties_that_can_be_read_are_as_ever() -> None:
    found = read(CONTENT_TYPE | TIMESTAMP, short(b"text/x") + struct.pack(">Q", 1_795_291_886))
    assert found.content_type == "text/x"
    assert found.timestamp is not None
    assert found.timestamp.timestamp() == 1_795_291_886
