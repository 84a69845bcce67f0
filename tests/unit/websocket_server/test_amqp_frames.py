"""The frames that are made by hand say the same as those of the library that reads ours."""

from collections.abc import Iterator

import pytest
from pamqp import body, commands, frame, header

from websocket_server import amqp_frames
from websocket_server.amqp_frames import PublishFrames

MOST = 100
HEADERS = {"ClientUUID": "u-1", "ImageFileName": "字.png", "RequestId": "r", "Options": '{"PageSegMode":7}'}


def _read(sent: bytes) -> Iterator[tuple[int, object]]:
    while sent:
        size, channel, found = frame.unmarshal(sent)
        yield channel, found
        sent = sent[size:]


@pytest.mark.parametrize("size", [0, 1, MOST - 1, MOST, MOST + 1, 5 * MOST])
def test_a_publish_is_read_as_it_was_meant(size: int) -> None:
    image = bytes(range(256)) * 2
    image = image[:size]
    frames = PublishFrames(7, MOST, "pending_queue", "results").of(image, HEADERS, "image/x", "m-1")
    (_, method), (_, properties), *rest = read = list(_read(b"".join(frames)))
    assert {channel for channel, _ in read} == {7}
    assert isinstance(method, commands.Basic.Publish)
    assert (method.exchange, method.routing_key, method.mandatory, method.immediate) == (
        "",
        "pending_queue",
        True,
        False,
    )
    assert isinstance(properties, header.ContentHeader)
    assert properties.body_size == size
    said = properties.properties
    assert said.headers == HEADERS
    assert (said.content_type, said.delivery_mode, said.message_id) == ("image/x", 2, "m-1")
    assert said.reply_to == "results"
    assert said.timestamp is not None
    assert said.correlation_id is said.expiration is said.app_id is None
    parts = [part.value for _, part in rest if isinstance(part, body.ContentBody)]
    assert len(parts) == len(rest)
    assert all(len(part) <= MOST for part in parts)
    assert b"".join(parts) == image


def test_a_broker_without_a_limit_for_frames_is_sent_one() -> None:
    frames = PublishFrames(1, 0 - 8, "q", "r").of(bytes(5 * MOST), {}, "c", "m")
    assert [len(part.value) for _, part in _read(b"".join(frames)) if isinstance(part, body.ContentBody)] == [5 * MOST]


def test_what_has_become_of_a_delivery_is_read_as_it_was_meant() -> None:
    tag = 2**40
    sent = amqp_frames.acknowledge(3, tag) + amqp_frames.give_back(3, tag) + amqp_frames.reject(3, tag)
    (_, ack), (_, nack), (_, reject) = _read(sent)
    assert isinstance(ack, commands.Basic.Ack)
    assert isinstance(nack, commands.Basic.Nack)
    assert isinstance(reject, commands.Basic.Reject)
    assert (ack.delivery_tag, ack.multiple) == (tag, False)
    assert (nack.delivery_tag, nack.multiple, nack.requeue) == (tag, False, True)
    assert (reject.delivery_tag, reject.requeue) == (tag, False)


def test_a_header_that_cannot_be_written_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        PublishFrames(1, MOST, "q", "r").of(b"", {"ImageFileName": "\ud800"}, "c", "m")
