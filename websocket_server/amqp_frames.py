"""What the gateway says to the broker for every image, as AMQP frames: a publish, and what becomes of a delivery. Pure.

aiormq makes an object of every frame, checks and encodes it, which took longer than all that the gateway itself does
for an image. Here what is the same for all is made once. Source: AMQP 0-9-1, sections 2.3.5, 4.2.3, 4.2.5 and 4.2.6.
"""

import struct
import time
from collections.abc import Mapping
from typing import Final

METHOD, HEADER, BODY, END = 1, 2, 3, b"\xce"
BASIC: Final = 60
PUBLISH, ACK, REJECT, NACK = 40, 80, 90, 120
MANDATORY: Final = 1
REQUEUE_OF_NACK: Final = 2
PERSISTENT: Final = b"\x02"

_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE, _REPLY_TO, _MESSAGE_ID, _TIMESTAMP = 1 << 15, 1 << 13, 1 << 12, 512, 128, 64
_PROPERTIES: Final = _CONTENT_TYPE | _HEADERS | _DELIVERY_MODE | _REPLY_TO | _MESSAGE_ID | _TIMESTAMP

_start = struct.Struct(">BHI").pack  # of a frame: its type, channel, size
_content = struct.Struct(">HHQH").pack  # class, weight, size of the body, which properties there are
_settle = struct.Struct(">BHIHHQBc").pack
_long = struct.Struct(">I").pack
_time = struct.Struct(">Q").pack


class PublishFrames:
    """Persistent messages to one queue, over the default exchange, mandatory.

    channel: its number. most: bytes of a body that go into one frame; below 1: as many as there are, which is what a
    broker's frame_max of 0 means. reply_to: where answers are wanted.
    """

    def __init__(self, channel: int, most: int, queue: str, reply_to: str) -> None:
        self._channel = channel
        self._most = most
        method = struct.pack(">HHH", BASIC, PUBLISH, 0) + _short("") + _short(queue) + bytes((MANDATORY,))
        self._method = _start(METHOD, channel, len(method)) + method + END
        self._reply_to = _short(reply_to)

    def of(
        self, body: bytes, headers: Mapping[str, str], content_type: str, message_id: str
    ) -> list[bytes | memoryview]:
        """The frames in pieces, to be written one after the other: the body is not copied."""
        table = b"".join(_short(key) + b"S" + _string(value) for key, value in headers.items())
        properties = b"".join(
            (
                _content(BASIC, 0, len(body), _PROPERTIES),
                _short(content_type),
                _long(len(table)),
                table,
                PERSISTENT,
                self._reply_to,
                _short(message_id),
                _time(int(time.time())),
            )
        )
        start = _start(HEADER, self._channel, len(properties))
        pieces: list[bytes | memoryview] = [self._method, start, properties, END]
        whole, most = memoryview(body), self._most if self._most > 0 else max(1, len(body))
        for at in range(0, len(body), most):
            part = whole[at : at + most]
            pieces += (_start(BODY, self._channel, len(part)), part, END)
        return pieces


def acknowledge(channel: int, delivery_tag: int) -> bytes:
    """The delivery is done with."""
    return _settle(METHOD, channel, 13, BASIC, ACK, delivery_tag, 0, END)


def give_back(channel: int, delivery_tag: int) -> bytes:
    """The delivery goes back to its queue."""
    return _settle(METHOD, channel, 13, BASIC, NACK, delivery_tag, REQUEUE_OF_NACK, END)


def reject(channel: int, delivery_tag: int) -> bytes:
    """The delivery goes where its queue's dead letters go."""
    return _settle(METHOD, channel, 13, BASIC, REJECT, delivery_tag, 0, END)


def _short(text: str) -> bytes:
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded  # ValueError over 255 bytes


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _long(len(encoded)) + encoded
