"""What is bounded in the gateway: memory, answers without Received, servers that were heard of."""

import dataclasses

import pytest

from protocol.bodies import OcrAnswer
from protocol.control import ANNOUNCE_EVERY, Announcement
from protocol.errors import ErrorCode, Refusal
from websocket_server import announced, unreceived
from websocket_server.announced import Announced
from websocket_server.memory import Memory
from websocket_server.unreceived import Unreceived


@dataclasses.dataclass(eq=False)
class FakeDelivery:
    answer: OcrAnswer = dataclasses.field(default_factory=lambda: OcrAnswer("u", "n", ""))
    correlation_id: str | None = None
    is_pending_said: bool = False
    is_held: bool = False
    is_live: bool = True


def test_an_answer_without_received_is_put_away_after_its_time_and_named_once() -> None:
    answers, delivery = Unreceived(), FakeDelivery()
    answers.add(delivery, 10, now=0.0)
    assert answers.due(unreceived.PUT_AWAY_AFTER - 0.1) == []
    assert answers.due(unreceived.PUT_AWAY_AFTER) == [delivery]
    assert answers.due(1e9) == []


def test_a_settled_answer_is_not_put_away() -> None:
    answers, delivery = Unreceived(), FakeDelivery()
    answers.add(delivery, 10, now=0.0)
    answers.discard(delivery)
    answers.discard(delivery)
    assert (answers.due(1e9), len(answers)) == ([], 0)


def test_of_too_many_answers_or_too_many_bytes_the_oldest_are_put_away_at_once() -> None:
    many, large = Unreceived(), Unreceived()
    deliveries = [FakeDelivery() for _ in range(unreceived.MOST + 2)]
    for one in deliveries:
        many.add(one, 1, now=0.0)
    assert many.due(0.0) == deliveries[:2]
    for one in deliveries[:3]:
        large.add(one, unreceived.MOST_BYTES // 2, now=0.0)
    assert large.due(0.0) == deliveries[:1]


def test_memory_refuses_what_it_has_no_room_for_but_never_a_single_image() -> None:
    memory = Memory(100)
    memory.check(1000)
    memory.take(60)
    memory.check(40)
    with pytest.raises(Refusal) as caught:
        memory.check(41)
    assert caught.value.code is ErrorCode.QUEUE_FULL
    memory.give_back(60)
    memory.check(1000)


def test_memory_is_exhausted_at_twice_its_bound() -> None:
    memory = Memory(100)
    memory.take(200)
    assert not memory.is_exhausted
    memory.take(1)
    assert memory.is_exhausted


def test_languages_are_those_of_all_servers_without_repeats_until_a_server_is_silent() -> None:
    servers = Announced()
    servers.hear(Announcement("one", 2, ("eng", "fra")), now=0.0)
    servers.hear(Announcement("two", 2, ("eng", "deu"), ("tsv",)), now=ANNOUNCE_EVERY)
    assert servers.languages(ANNOUNCE_EVERY) == ("eng", "fra", "deu")
    assert servers.outputs(ANNOUNCE_EVERY) == ("tsv",)
    assert servers.languages(announced.FORGOTTEN_AFTER + 1) == ("eng", "deu")


def test_a_server_that_announces_itself_again_is_heard_with_what_it_says_now() -> None:
    servers = Announced()
    servers.hear(Announcement("one", 2, ("eng",)), now=0.0)
    servers.hear(Announcement("one", 2, ("fra",)), now=1.0)
    assert servers.languages(1.0) == ("fra",)
