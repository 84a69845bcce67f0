"""pika's connection, with a shorter way for what there is of every image: its frames are read and made here.

Everything else is pika's as before: it connects, opens and declares, keeps heartbeats, and reads every other frame.
"""

import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import pika
from pika.channel import Channel

from .amqp_frames import END, HEADER, LEAST, AnswerFrames, Incoming, Properties, acknowledge, start_of

if TYPE_CHECKING:
    import socket

_READ_AT_ONCE: Final = 64 * 1024
"""Bytes. pika reads 4 KiB at a time, and puts a large frame together anew with each of them."""

_JSON: Final = "application/json"


class FastConnection(pika.SelectConnection):
    """As pika's, until `shorten`."""

    # pika's own, which no version from 1.3 to 1.4 has otherwise; its stubs leave them out.
    bytes_received: int
    frames_received: int
    _body_max_length: int
    _frame_buffer: bytes
    _transport: Any

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._incoming: Incoming | None = None
        self._turned: Callable[[], None]
        self._unsent: list[bytes] = []
        self._socket: socket.socket | None = None  # which may be written to and read from without asking pika's loop
        super().__init__(*arguments, **named)

    def shorten(
        self,
        channel: Channel,
        delivered: Callable[[int, bool, Properties, bytes], None],
        confirmed: Callable[[int, bool], None],
        turned: Callable[[], None],
    ) -> "Shortcut":
        """Have the images and confirms of a channel come here, as `Incoming` has it, and not to pika's callbacks.

        turned: called when all that has arrived is dealt with.
        """
        self._turned = turned
        self._incoming = Incoming(int(channel), delivered, channel.basic_reject, confirmed, _read_by_pika)
        self._transport._MAX_RECV_BYTES = _READ_AT_ONCE
        if not isinstance(self._transport._sock, ssl.SSLSocket):  # that keeps what it has decrypted, unseen by the loop
            self._socket = self._transport._sock
            self._transport._MAX_CONSUME_BYTES = 1  # the loop calls again if there is more; pika tries until it fails
        return Shortcut(self, self._incoming, self._body_max_length)

    def _on_data_available(self, data_in: bytes) -> None:
        incoming = self._incoming
        if incoming is None:
            super()._on_data_available(data_in)  # type: ignore[misc]
            return
        data = self._frame_buffer + data_in if self._frame_buffer else data_in
        self._frame_buffer = b""
        at, end = 0, len(data)
        while end - at >= LEAST:
            kind, channel, size = start_of(data, at)
            stop = at + size + LEAST
            if stop > end:
                break
            content = data[at + LEAST - 1 : stop - 1]
            if channel == incoming.channel and data[stop - 1] == 0xCE and incoming.takes(kind, content):
                self.bytes_received += stop - at  # which shows that the broker lives
                self.frames_received += 1
            else:
                frame = data[at:stop]
                super()._on_data_available(_readable(frame) if kind == HEADER else frame)  # type: ignore[misc]
            at = stop
        self._frame_buffer = data[at:]
        self._turned()

    def say(self, frames: bytes) -> None:
        """Write these with what else is said until `flush`, or until pika writes something."""
        self._unsent.append(frames)

    def flush(self) -> None:
        """Write what was said."""
        if self._unsent:
            self._output_marshaled_frames(())

    def _output_marshaled_frames(self, marshaled_frames: Sequence[bytes]) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            if not self.is_closed:  # else it is lost, and the images come again
                super()._output_marshaled_frames((b"".join(unsent),))  # type: ignore[misc]
        super()._output_marshaled_frames(marshaled_frames)  # type: ignore[misc]

    def _adapter_emit_data(self, data: bytes) -> None:
        """Send it at once, as far as the socket takes it; pika would wait for its loop to say that it may."""
        if self._socket and not self._transport.get_write_buffer_size():
            with contextlib.suppress(OSError):  # it is full, or broken: pika finds out which, and closes in order
                data = data[self._socket.send(data) :]
        if data:
            super()._adapter_emit_data(data)  # type: ignore[misc]


class Shortcut:
    """The short way of one channel. most: bytes of a body in a frame."""

    def __init__(self, connection: FastConnection, incoming: Incoming, most: int) -> None:
        self._connection = connection
        self._incoming = incoming
        self._frames = AnswerFrames(incoming.channel, most, _JSON)

    def consume(self, consumer_tag: str | None) -> None:
        """Take the images of this consumer from now on; None: of none, pika deals with what still comes."""
        self._incoming.consumer_tag = None if consumer_tag is None else consumer_tag.encode()

    def publish(self, queue: str, body: bytes, correlation_id: str | None) -> None:
        """Publish an answer: JSON, persistent, mandatory. Written at the end of the turn."""
        self._connection.say(self._frames.of(queue, body, correlation_id))

    def acknowledge(self, delivery_tag: int, *, multiple: bool) -> None:
        """Have the broker forget an image, and with `multiple` all before it. Written at the end of the turn."""
        self._connection.say(acknowledge(self._incoming.channel, delivery_tag, multiple=multiple))


def _read_by_pika(header: bytes) -> Properties:
    found = pika.BasicProperties()
    try:
        found.decode(header[12:])
    except Exception:  # noqa: BLE001 - of every kind, as RecursionError for tables in tables
        # It would end the connection, the image would come again, and end the next one.
        found = pika.BasicProperties()
        found.decode(_without_headers(header))
    timestamp = found.timestamp if isinstance(found.timestamp, int) else None
    return Properties(
        found.headers or {}, _text(found.content_type), _text(found.message_id), _text(found.reply_to), timestamp
    )


def _readable(frame: bytes) -> bytes:
    """A header frame as it came, or without a table that would end the connection."""
    content = frame[LEAST - 1 : -1]
    try:
        pika.BasicProperties().decode(content[12:])
    except Exception:  # noqa: BLE001 - as above
        content = content[:12] + _without_headers(content)
        return frame[:3] + len(content).to_bytes(4, "big") + content + END
    return frame


def _without_headers(header: bytes) -> bytes:
    """The properties of a header frame but for the table (AMQP 0-9-1, section 4.2.6.1)."""
    flags, at = int.from_bytes(header[12:14], "big"), 14
    for flag in (pika.BasicProperties.FLAG_CONTENT_TYPE, pika.BasicProperties.FLAG_CONTENT_ENCODING):
        if flags & flag:
            at += 1 + header[at]
    end = at + 4 + int.from_bytes(header[at : at + 4], "big")
    return (flags & ~pika.BasicProperties.FLAG_HEADERS).to_bytes(2, "big") + header[14:at] + header[end:]


def _text(value: object) -> str | None:
    """A property that pika could decode; it leaves what is no UTF-8 as bytes."""
    return value if isinstance(value, str) else None
