"""What there is of every image as AMQP frames: itself, its answer, the confirm of that, and its acknowledgement. Pure.

pika makes objects of every frame, its method and its properties, looks for whom it calls with each and writes each by
itself, which took most of what an image cost the AMQP thread. What is unusual is left to it. Source: AMQP 0-9-1,
sections 2.3.5, 4.2.3, 4.2.5 and 4.2.6.
"""

import dataclasses
import struct
from collections.abc import Callable, Mapping
from typing import Final

METHOD, HEADER, BODY, END = 1, 2, 3, b"\xce"
LEAST: Final = 8
"""Bytes of the shortest frame, which is one without content."""

_PUBLISH, _DELIVER, _ACK = b"\0\x3c\0\x28", b"\0\x3c\0\x3c", b"\0\x3c\0\x50"
_MANDATORY, _PERSISTENT, _STRING = 1, b"\x02", ord("S")
_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE, _CORRELATION_ID = 1 << 15, 1 << 13, 1 << 12, 1 << 10
_REPLY_TO, _MESSAGE_ID, _TIMESTAMP = 1 << 9, 1 << 7, 1 << 6
_OURS: Final = struct.pack(
    ">H", _CONTENT_TYPE | _HEADERS | _DELIVERY_MODE | _REPLY_TO | _MESSAGE_ID | _TIMESTAMP
)  # what our gateway gives an image

_start = struct.Struct(">BHI")  # of a frame: its type, channel, size
_content = struct.Struct(">HHQH").pack  # class, weight, size of the body, which properties there are
_ack = struct.Struct(">BHI4sQBc").pack
_tag = struct.Struct(">QB").unpack_from
_long = struct.Struct(">I").unpack_from
_longlong = struct.Struct(">Q").unpack_from

start_of = _start.unpack_from
"""Of a frame, in bytes at a place: its type, channel, and the size of what is between these and END."""


@dataclasses.dataclass(frozen=True, slots=True)
class Properties:
    """What is known of a message beside its body. A property that is absent, or of another type, is None."""

    headers: Mapping[str, object]
    content_type: str | None
    message_id: str | None
    reply_to: str | None
    timestamp: int | None


class Incoming:
    """Finds images and confirms among the frames of a channel.

    consumer_tag: of the consumer whose images are taken; None: none are. delivered: called with the broker's number
    of a delivery, whether it is redelivered, its properties and its body. late: called with the number alone when the
    consumer has changed while the image came. confirmed: called with the number of a publish, and whether all before
    it are confirmed too. unusual: reads properties that are not as our gateway's.
    """

    def __init__(
        self,
        channel: int,
        delivered: Callable[[int, bool, Properties, bytes], None],
        late: Callable[[int], None],
        confirmed: Callable[[int, bool], None],
        unusual: Callable[[bytes], Properties],
    ) -> None:
        self.channel = channel
        self.consumer_tag: bytes | None = None
        self._delivered = delivered
        self._late = late
        self._confirmed = confirmed
        self._unusual = unusual
        self._method: tuple[int, int] | None = None  # of the message that is coming
        self._consumer: bytes | None = None  # whom it is for
        self._properties: Properties | None = None
        self._size = 0  # bytes of its body that are to come
        self._parts: list[bytes] = []

    def takes(self, kind: int, content: bytes) -> bool:
        """Take a frame of the channel; False: it is for somebody else. kind: its type."""
        if kind == METHOD:
            if content.startswith(_DELIVER):
                return self._begin(content)
            if content.startswith(_ACK):
                tag, multiple = _tag(content, 4)
                self._confirmed(tag, bool(multiple))
                return True
            return False
        if self._method is None:
            return False
        if kind == HEADER:
            (self._size,) = _longlong(content, 4)
            self._properties = properties_of(content) or self._unusual(content)
        elif kind == BODY:
            self._size -= len(content)
            self._parts.append(content)
        else:
            return False
        if self._size <= 0:
            self._end()
        return True

    def _begin(self, content: bytes) -> bool:
        length = content[4]
        if content[5 : 5 + length] != self.consumer_tag:
            self._method = None  # nor is what belongs to it ours
            return False
        self._method, self._consumer = _tag(content, 5 + length), self.consumer_tag
        self._parts = []
        return True

    def _end(self) -> None:
        method, self._method = self._method, None
        parts, self._parts = self._parts, []
        assert method is not None
        assert self._properties is not None  # a header comes before its body
        if self._consumer != self.consumer_tag:
            self._late(method[0])
            return
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._delivered(method[0], bool(method[1] & 1), self._properties, body)


def properties_of(header: bytes) -> Properties | None:
    """Read the content of a header frame that is as our gateway's; None: it is another one, or damaged."""
    if header[12:14] != _OURS:
        return None
    try:
        content_type, at = _short_at(header, 14)
        end = at + 4 + _long(header, at)[0]
        at += 4
        headers = {}
        while at < end:
            key, at = _short_at(header, at)
            if header[at] != _STRING:
                return None
            begin = at + 5
            at = begin + _long(header, at + 1)[0]
            headers[key] = header[begin:at].decode()
        if at != end:
            return None
        reply_to, at = _short_at(header, end + 1)  # the delivery mode is of no interest any more
        message_id, at = _short_at(header, at)
        return Properties(headers, content_type, message_id, reply_to, _longlong(header, at)[0])
    except (UnicodeDecodeError, IndexError, struct.error):
        return None


def _short_at(data: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + data[at]
    return data[at + 1 : end].decode(), end


class AnswerFrames:
    """Persistent answers on a channel, over the default exchange, mandatory.

    channel: its number. most: bytes of a body that go into one frame; below 1: as many as there are, which is what a
    broker's frame_max of 0 means.
    """

    def __init__(self, channel: int, most: int, content_type: str) -> None:
        self._channel = channel
        self._most = most
        self._content_type = _short(content_type)
        self._queue, self._method = "", b""  # of the last one: most go to one queue

    def of(self, queue: str, body: bytes, correlation_id: str | None) -> bytes:
        """The frames of one answer. Raises ValueError for a name of more than 255 bytes."""
        if queue != self._queue or not self._method:
            method = _PUBLISH + b"\0\0" + _short("") + _short(queue) + bytes((_MANDATORY,))
            self._method = _start.pack(METHOD, self._channel, len(method)) + method + END
            self._queue = queue
        flags, identity = _CONTENT_TYPE | _DELIVERY_MODE, b""
        if correlation_id is not None:
            flags, identity = flags | _CORRELATION_ID, _short(correlation_id)
        properties = _content(60, 0, len(body), flags) + self._content_type + _PERSISTENT + identity
        pieces = [self._method, _start.pack(HEADER, self._channel, len(properties)), properties, END]
        most = self._most if self._most > 0 else max(1, len(body))
        for at in range(0, len(body), most):
            part = body[at : at + most]
            pieces += (_start.pack(BODY, self._channel, len(part)), part, END)
        return b"".join(pieces)


def acknowledge(channel: int, delivery_tag: int, *, multiple: bool) -> bytes:
    """The delivery is done with, and with `multiple` all before it."""
    return _ack(METHOD, channel, 13, _ACK, delivery_tag, multiple, END)


def _short(text: str) -> bytes:
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded  # ValueError over 255 bytes
