"""What leaves and arrives together, and how far ahead images are read."""

import contextlib
from collections.abc import Iterator

import msgspec
import pytest

from client.address import Gateway
from client.conversation import Conversation
from client.errors import ConnectError
from client.events import Recognition, Request
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit
from tests.unit.client.running_client import v2_only


def _conversation(gateway: FakeGateway, max_in_flight: int) -> Conversation:
    return Conversation(Gateway(gateway.url, None, SECONDS), "Ada", max_in_flight)


def _frame(visit: Visit, response: str, name: str, request_id: str) -> bytes:
    message = {"ResponseMessage": response, "ImageFileName": name, "OcrResult": name, "RequestId": request_id}
    encoded = msgspec.msgpack.encode(message)
    return bytes([0x82, len(encoded)]) + encoded


@v2_only
def test_answers_that_arrive_together_are_told_as_received_together_before_the_next_images_come(
    gateway: FakeGateway,
) -> None:
    def answer_three_at_once(visit: Visit, _: str) -> None:
        three = [one for one in gateway.messages if "ImageFileName" in one][-3:]
        if len(gateway.names) % 3 == 0:
            named = [(one["ImageFileName"], one["RequestId"]) for one in three]
            frames = [_frame(visit, kind, *one) for one in named for kind in ("PENDING", "SUCCESS")]
            visit.connection.socket.sendall(b"".join(frames))

    gateway.on_image = answer_three_at_once
    conversation = _conversation(gateway, 3)
    requests = [Request(f"{at}", b"image") for at in range(9)]
    answered = list(conversation.answers(requests))
    conversation.close("the test is over")
    gateway.wait_until_all_are_gone()
    assert [one.request for one in answered] == requests
    ids = [one.request_id for one in requests]
    assert gateway.said("Received") == [ids[:3], ids[3:6], ids[6:]]
    what = ["".join({"ImageFileName", "Received"} & set(one)) for one in gateway.messages[1:]]
    assert what == (["ImageFileName"] * 3 + ["Received"]) * 3


@v2_only
def test_of_answers_that_arrive_together_those_that_nobody_asks_for_are_not_told_as_received(
    gateway: FakeGateway,
) -> None:
    def answer_both_at_once(visit: Visit, _: str) -> None:
        if len(gateway.names) == 2:
            frames = [_frame(visit, "SUCCESS", name, gateway.said("RequestId")[at]) for at, name in enumerate("ab")]
            visit.connection.socket.sendall(b"".join(frames))

    gateway.on_image = answer_both_at_once
    conversation = _conversation(gateway, 2)
    with contextlib.closing(conversation.answers([Request("a", b"image"), Request("b", b"image")])) as answers:
        assert next(answers).request.image_file_name == "a"
    gateway.wait_until_all_are_gone()
    first, second = gateway.said("RequestId")
    assert (gateway.said("Received"), gateway.said("Cancel")) == ([[first]], [[second]])


def test_one_image_is_read_ahead_of_its_turn_and_no_more(gateway: FakeGateway) -> None:
    read: list[str] = []
    most_ahead = 0

    def requests() -> Iterator[Request]:
        nonlocal most_ahead
        for name in ("a", "b", "c", "d", "e"):
            read.append(name)
            most_ahead = max(most_ahead, len(read) - len(answered))
            yield Request(name, b"image")

    answered: list[str] = []
    conversation = _conversation(gateway, 2)
    for one in conversation.answers(requests()):
        answered.append(one.request.image_file_name)
        assert isinstance(one.answer, Recognition)
    conversation.close("the test is over")
    assert read == answered == ["a", "b", "c", "d", "e"]
    assert most_ahead == 3


def test_who_is_stopped_on_the_way_to_a_gateway_does_not_say_that_it_tries_again(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = _conversation(gateway, 1)

    def stopped(timeout: float) -> None:
        conversation.abort()
        raise ConnectError("interrupted", is_passing=True)

    monkeypatch.setattr(conversation._line, "_open", stopped)
    with pytest.raises(ConnectError):
        conversation.connect(is_again=True)
    assert caplog.messages == []
