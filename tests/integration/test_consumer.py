"""The OCR server's consumer at a real broker: what it takes ahead, gives back, and acknowledges when."""

import logging
import math
import queue
import threading
from collections.abc import Iterator
from functools import partial

import pika
import pytest

from ocr_server.consumer import Consumer
from ocr_server.link import Delivery
from protocol.control import Cancelled
from settings.schema import RabbitMQ
from tests.contract.foreign_peers import ForeignAmqpPeer
from tests.faults.container_broker import Broker
from tests.running import wait_until

AHEAD = 4
SECONDS = 20.0
RESULTS = "result_queue"


class Process:
    """Stands in for an OCR process: takes ahead as many as it is told to, and reads none of them by itself."""

    def __init__(self, port: int) -> None:
        self.ahead = 1
        self.large: float = math.inf  # bytes; from such an image on, one is taken at a time
        self.waiting: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.is_connected = threading.Event()
        self.answered: list[str | None] = []
        settings = RabbitMQ(port=port, result_queue=RESULTS)
        self.consumer = Consumer(settings, "consumer under test", logging.getLogger("test"), self, None)
        self.thread = threading.Thread(target=self.consumer.run, daemon=True)
        self.thread.start()

    def take(self) -> Delivery:
        return self.waiting.get(timeout=SECONDS)

    def answer(self, delivery: Delivery, *, is_urgent: bool = True) -> None:
        done = partial(self.answered.append, delivery.message_id)
        self.consumer.answer(delivery, b"read", done, is_urgent=is_urgent)

    def pause(self) -> None:
        """As the AMQP thread does at a glance."""
        self.consumer._handover.give(self.consumer.pause, is_urgent=True)

    def end(self) -> None:
        self.consumer.stop()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()

    # Events

    def delivered(self, delivery: Delivery) -> None:
        if len(delivery.body) >= self.large:
            self.ahead = 1
        self.waiting.put(delivery)

    def unread(self) -> Iterator[Delivery]:
        while not self.waiting.empty():
            yield self.waiting.get()

    def prefetch(self) -> int:
        return self.ahead

    def connected(self) -> None:
        self.is_connected.set()

    def cancelled(self, cancelled: Cancelled, at: float) -> None: ...

    def disconnected(self, reason: str) -> None:
        self.is_connected.clear()

    def idle(self) -> None: ...

    def glance(self) -> bool:
        return False

    def tick(self) -> None: ...


@pytest.fixture
def process(broker: Broker) -> Iterator[Process]:
    process = Process(broker.port)
    assert process.is_connected.wait(SECONDS)
    yield process
    process.end()


@pytest.fixture
def peer(process: Process, broker: Broker) -> Iterator[ForeignAmqpPeer]:
    with ForeignAmqpPeer(broker.port) as peer:
        for name in ("pending_queue", RESULTS):
            peer.channel.queue_purge(name)
        yield peer
        for name in ("pending_queue", RESULTS):
            peer.channel.queue_purge(name)


def send(peer: ForeignAmqpPeer, count: int) -> None:
    for number in range(count):
        properties = pika.BasicProperties(message_id=str(number), delivery_mode=2)
        peer.channel.basic_publish("", "pending_queue", b"an image", properties)


def take_ahead(process: Process, peer: ForeignAmqpPeer, count: int) -> Delivery:
    """Have it take AHEAD at a time of `count` images; returns the first of those, the others wait."""
    send(peer, count + 1)
    process.ahead = AHEAD
    process.answer(process.take())
    wait_until(lambda: process.waiting.qsize() == min(AHEAD, count), "several wait")
    return process.take()


def test_one_is_taken_at_a_time_until_more_are_asked_for(process: Process, peer: ForeignAmqpPeer) -> None:
    send(peer, 2 * AHEAD)
    for _ in range(3):
        delivery = process.take()
        wait_until(lambda: peer.waiting("pending_queue") + len(process.answered) + 1 == 2 * AHEAD, "the rest is there")
        assert process.waiting.empty()
        process.answer(delivery)
        wait_until(lambda: not process.waiting.empty(), "the next one comes")
    process.ahead = AHEAD
    process.answer(process.take())
    wait_until(lambda: process.waiting.qsize() == AHEAD, "several come")
    process.ahead = 1
    for _ in range(AHEAD):
        process.answer(process.take())
    wait_until(lambda: len(process.answered) == 2 * AHEAD, "all are acknowledged")


def test_what_waits_goes_back_at_a_pause_and_comes_again_after_the_next_answer(
    process: Process, peer: ForeignAmqpPeer
) -> None:
    first = take_ahead(process, peer, AHEAD + 2)
    process.pause()
    wait_until(lambda: peer.waiting("pending_queue") == AHEAD - 1 + 2, "all but the one that is read are back")
    assert process.waiting.empty()
    assert process.consumer._link is not None
    assert process.consumer._link.unanswered == 1
    process.ahead = 1
    process.answer(first)
    again = process.take()
    assert (again.message_id, again.is_redelivered) == ("2", True)
    process.answer(again)
    while len(process.answered) < AHEAD + 2:
        process.answer(process.take())


def test_a_stop_gives_back_what_waits_and_answers_what_is_read(process: Process, peer: ForeignAmqpPeer) -> None:
    first = take_ahead(process, peer, AHEAD)
    process.consumer.stop()
    wait_until(lambda: peer.waiting("pending_queue") == AHEAD - 1, "those that wait are back")
    assert process.thread.is_alive()
    process.answer(first)
    process.thread.join(SECONDS)
    assert process.answered == ["0", "1"]
    assert peer.waiting(RESULTS) == 2


def test_a_process_whose_pace_changes_gathers_no_more_than_it_wants(process: Process, peer: ForeignAmqpPeer) -> None:
    send(peer, 60)
    most, few = 0, 2
    for number in range(24):
        process.ahead = few if number % 2 else AHEAD
        process.answer(process.take())
        wait_until(lambda done=number + 1: len(process.answered) == done, "it is acknowledged")  # type: ignore[misc]
        wait_until(lambda: process.waiting.qsize() >= few, "the next ones are here")
        assert process.consumer._link is not None
        most = max(most, process.consumer._link.unanswered)
    assert most <= AHEAD + 2 * few
    for _ in range(60 - 24):
        process.answer(process.take())


def test_the_first_large_image_ends_the_taking_ahead_at_once(process: Process, peer: ForeignAmqpPeer) -> None:
    process.answer(take_ahead(process, peer, AHEAD))
    for _ in range(AHEAD - 1):
        process.answer(process.take())
    wait_until(lambda: len(process.answered) == AHEAD + 1, "all are answered")
    process.large = 1_000_000
    for number in range(8):
        properties = pika.BasicProperties(message_id=f"large {number}")
        peer.channel.basic_publish("", "pending_queue", bytes(1_000_000), properties)
    wait_until(lambda: peer.waiting("pending_queue") == 8 - 2, "one as the next one, and one at the new pace")
    assert process.waiting.qsize() <= 2
    for _ in range(8):
        process.answer(process.take())


def test_a_stop_after_the_queue_was_deleted_waits_for_nobody_to_read_what_waits(
    process: Process, peer: ForeignAmqpPeer, broker: Broker
) -> None:
    first = take_ahead(process, peer, AHEAD)
    peer.channel.queue_delete("pending_queue")
    wait_until(lambda: process.consumer._link and process.consumer._link.is_cancelled, "the consumer is ended")
    process.consumer.stop()
    process.answer(first)
    process.thread.join(SECONDS)
    assert not process.thread.is_alive()
    assert process.waiting.empty()
    again = Process(broker.port)  # which declares the queue
    assert again.is_connected.wait(SECONDS)
    again.end()


def test_answers_that_are_not_urgent_go_out_together(process: Process, peer: ForeignAmqpPeer) -> None:
    deliveries = [take_ahead(process, peer, AHEAD), *(process.take() for _ in range(AHEAD - 1))]
    for delivery in deliveries:
        process.answer(delivery, is_urgent=False)
    wait_until(lambda: process.answered == ["0", "1", "2", "3", "4"], "each is acknowledged, in order")
    wait_until(lambda: peer.waiting(RESULTS) == AHEAD + 1, "each is answered once")


def test_an_answer_without_a_queue_keeps_no_other_answer(process: Process, peer: ForeignAmqpPeer) -> None:
    properties = pika.BasicProperties(message_id="lost", reply_to="there is no such queue")
    peer.channel.basic_publish("", "pending_queue", b"an image", properties)
    process.ahead = AHEAD
    process.answer(process.take())
    first = take_ahead(process, peer, AHEAD)
    lost = pika.BasicProperties(message_id="lost too", reply_to="there is no such queue")
    peer.channel.basic_publish("", "pending_queue", b"an image", lost)
    process.answer(first)
    for _ in range(AHEAD):
        process.answer(process.take(), is_urgent=False)
    wait_until(lambda: process.answered == ["0", "1", "2", "3", "4"], "all that can be are answered")
    wait_until(lambda: process.consumer._link and not process.consumer._link.unanswered, "the others are dropped")
