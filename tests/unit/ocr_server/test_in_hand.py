"""The image in hand: whoever ends it first answers it, and nobody keeps the AMQP thread from looking at the clock."""

import threading
import time
from typing import cast

import pytest

from ocr_server.in_hand import InHand
from ocr_server.link import Delivery, Link
from protocol.bodies import Addressee

SECONDS = 20.0


class _Link:
    def __init__(self, unanswered: int) -> None:
        self.unanswered = unanswered


def _delivery(unanswered: int = 2) -> Delivery:
    return Delivery(b"", {}, None, None, None, None, False, 1, cast("Link", _Link(unanswered)))


@pytest.fixture
def told() -> list[Delivery]:
    return []


@pytest.fixture
def in_hand(told: list[Delivery]) -> InHand:
    return InHand(lambda delivery, _: told.append(delivery), time.monotonic)


def test_it_is_told_at_once_when_it_is_the_only_one_and_later_otherwise(in_hand: InHand, told: list[Delivery]) -> None:
    alone, one_of_several = _delivery(1), _delivery(2)
    in_hand.begin(alone, Addressee("uuid", "name", "id"))
    in_hand.end()
    in_hand.begin(one_of_several, Addressee("uuid", "name", "id"))
    assert told == [alone]
    while len(told) < 2:
        in_hand.look()
    in_hand.look()
    assert told == [alone, one_of_several]


def test_what_has_ended_in_time_is_not_answered_by_the_clock(in_hand: InHand) -> None:
    in_hand.begin(_delivery(), Addressee("uuid", "name"))
    assert in_hand.give_up_after(SECONDS) is None
    in_hand.end()
    assert in_hand.give_up_after(0) is None
    assert in_hand.look() == 0


def test_an_engine_that_ends_after_the_clock_has_answered_waits_and_blocks_nobody(in_hand: InHand) -> None:
    late = _delivery()
    in_hand.begin(late, Addressee("uuid", "name"))
    assert in_hand.give_up_after(0) is late
    main = threading.Thread(target=in_hand.end, daemon=True)
    main.start()
    main.join(0.05)
    amqp = threading.Thread(target=in_hand.give_up_after, args=(0,), daemon=True)
    amqp.start()
    amqp.join(SECONDS)
    assert not amqp.is_alive()
    assert main.is_alive()
