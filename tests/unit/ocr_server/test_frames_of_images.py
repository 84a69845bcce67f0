"""The frames of images are read and made here as the library does it that makes and reads the others."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from pamqp import body, commands, frame, header

from ocr_server.amqp_frames import AnswerFrames, Incoming, Properties, acknowledge, properties_of, start_of

MOST = 100
TAG = "OCR server, process 1, 3"
HEADERS = {"ClientUUID": "u-1", "ImageFileName": "字.png", "RequestId": "r", "Options": '{"PageSegMode":7}'}
WHEN = datetime.datetime(2026, 1, 31, 10, 51, tzinfo=datetime.UTC)
GATEWAYS: dict[str, Any] = {"content_type": "image/x", "delivery_mode": 2, "message_id": "m", "reply_to": "results"}
UNUSUAL = Properties({}, None, None, None, None)


class Heard:
    """What `Incoming` tells."""

    def __init__(self) -> None:
        self.delivered: list[tuple[int, bool, Properties, bytes]] = []
        self.late: list[int] = []
        self.confirmed: list[tuple[int, bool]] = []
        self.incoming = Incoming(
            7,
            lambda *delivery: self.delivered.append(delivery),
            self.late.append,
            lambda *confirm: self.confirmed.append(confirm),
            lambda _: UNUSUAL,
        )
        self.incoming.consumer_tag = TAG.encode()

    def takes(self, *frames: bytes) -> list[bool]:
        taken = []
        for one in frames:
            kind, channel, size = start_of(one, 0)
            assert (channel, size) == (7, len(one) - 8)
            taken.append(self.incoming.takes(kind, one[7:-1]))
        return taken


def image(content: bytes, number: int = 1, tag: str = TAG, **properties: Any) -> list[bytes]:
    """The frames of a delivery, as a broker sends them."""
    deliver = commands.Basic.Deliver(tag, number, redelivered=False, exchange="", routing_key="pending_queue")
    head = header.ContentHeader(body_size=len(content), properties=commands.Basic.Properties(**properties))
    parts = [body.ContentBody(content[at : at + MOST]) for at in range(0, len(content), MOST)]
    return [*(frame.marshal(one, 7) for one in (deliver, head)), *(frame.marshal(one, 7) for one in parts)]


@pytest.mark.parametrize("size", [0, 1, MOST, MOST + 1, 5 * MOST])
def test_an_image_is_put_together_from_its_frames(size: int) -> None:
    heard, content = Heard(), (bytes(range(256)) * 2)[:size]
    frames = image(content, 9, headers=HEADERS, timestamp=WHEN, **GATEWAYS)
    assert all(heard.takes(*frames))
    assert heard.delivered == [
        (9, False, Properties(HEADERS, "image/x", "m", "results", int(WHEN.timestamp())), content)
    ]


def test_one_image_after_another_is_taken_and_redelivery_is_told() -> None:
    heard = Heard()
    again = commands.Basic.Deliver(TAG, 2, redelivered=True, exchange="", routing_key="pending_queue")
    heard.takes(*image(b"one"), frame.marshal(again, 7), *image(b"two")[1:])
    assert [(number, is_again, content) for number, is_again, _, content in heard.delivered] == [
        (1, False, b"one"),
        (2, True, b"two"),
    ]


@pytest.mark.parametrize(
    "properties",
    [
        {},
        GATEWAYS,
        {**GATEWAYS, "headers": HEADERS, "timestamp": WHEN, "priority": 1},
        {**GATEWAYS, "headers": {**HEADERS, "x-delivery-count": 1}, "timestamp": WHEN},
        {**GATEWAYS, "headers": {"table": {"in": "it"}}, "timestamp": WHEN},
    ],
)
def test_properties_that_are_not_as_our_gateways_are_left_to_pika(properties: dict[str, Any]) -> None:
    heard = Heard()
    heard.takes(*image(b"image", **properties))
    assert heard.delivered == [(1, False, UNUSUAL, b"image")]


def test_properties_that_are_no_text_or_cut_short_are_left_to_pika() -> None:
    _, head, _ = image(b"image", headers=HEADERS, timestamp=WHEN, **GATEWAYS)
    content = head[7:-1]
    assert properties_of(content) is not None
    assert properties_of(content.replace("字".encode(), b"\xff\xff\xff")) is None
    assert not [end for end in range(len(content)) if properties_of(content[:end]) is not None]


def test_what_is_for_another_consumer_is_left_to_pika_and_an_image_that_came_meanwhile_is_late() -> None:
    heard = Heard()
    assert not any(heard.takes(*image(b"for another", tag="OCR server, process 1, 2")))
    method, *rest = image(b"image", 5)
    heard.takes(method)
    heard.incoming.consumer_tag = None
    assert all(heard.takes(*rest))
    assert (heard.late, heard.delivered) == ([5], [])
    assert not any(heard.takes(*image(b"for nobody")))
    assert (heard.late, heard.delivered) == ([5], [])


def test_confirms_are_read_and_all_other_methods_left_to_pika() -> None:
    heard = Heard()
    ours = [commands.Basic.Ack(2**40, multiple=True), commands.Basic.Ack(3, multiple=False)]
    assert all(heard.takes(*(frame.marshal(one, 7) for one in ours)))
    assert heard.confirmed == [(2**40, True), (3, False)]
    others = [commands.Basic.Nack(4), commands.Basic.CancelOk(TAG), commands.Channel.Close(404, "gone", 60, 40)]
    assert not any(heard.takes(*(frame.marshal(one, 7) for one in others)))
    returned = commands.Basic.Return(312, "NO_ROUTE", "", "results")
    assert not any(heard.takes(frame.marshal(returned, 7), *image(b"an answer")[1:]))


def _read(sent: bytes) -> Iterator[tuple[int, object]]:
    while sent:
        size, channel, found = frame.unmarshal(sent)
        yield channel, found
        sent = sent[size:]


@pytest.mark.parametrize("size", [0, 1, MOST - 1, MOST, MOST + 1, 5 * MOST])
@pytest.mark.parametrize("correlation_id", ["m-1", None])
def test_an_answer_is_read_as_it_was_meant(size: int, correlation_id: str | None) -> None:
    frames, answer = AnswerFrames(7, MOST, "application/json"), bytes(size)
    for queue in ("results", "results", "others"):
        (_, method), (_, head), *rest = read = list(_read(frames.of(queue, answer, correlation_id)))
        assert {channel for channel, _ in read} == {7}
        assert isinstance(method, commands.Basic.Publish)
        assert (method.exchange, method.routing_key, method.mandatory, method.immediate) == ("", queue, True, False)
        assert isinstance(head, header.ContentHeader)
        said = head.properties
        assert (said.content_type, said.delivery_mode, said.correlation_id) == ("application/json", 2, correlation_id)
        assert (said.headers, said.message_id, said.reply_to, said.timestamp) == (None,) * 4
        parts = [part.value for _, part in rest if isinstance(part, body.ContentBody)]
        assert len(parts) == len(rest)
        assert all(len(part) <= MOST for part in parts)
        assert b"".join(parts) == answer


def test_a_broker_without_a_limit_for_frames_is_sent_one() -> None:
    sent = AnswerFrames(1, 0 - 8, "application/json").of("q", bytes(5 * MOST), "m")
    assert [len(part.value) for _, part in _read(sent) if isinstance(part, body.ContentBody)] == [5 * MOST]


def test_an_acknowledgement_is_read_as_it_was_meant() -> None:
    (_, one), (_, many) = _read(acknowledge(3, 2**40, multiple=False) + acknowledge(3, 2**40, multiple=True))
    assert isinstance(one, commands.Basic.Ack)
    assert isinstance(many, commands.Basic.Ack)
    assert (one.delivery_tag, one.multiple, many.multiple) == (2**40, False, True)
