"""A broker under alarm takes no images: that is said within 5 s, and is over when the alarm is."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
REFUSAL_SECONDS = 5.0
IMAGE = bytes(60_000)


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway("WebSocket.max_buffered_bytes=200000")  # three images and not four


@contextlib.contextmanager
def memory_alarm(broker: Broker) -> Iterator[None]:
    broker.rabbitmqctl("set_vm_memory_high_watermark", "0")
    try:
        yield
    finally:
        broker.rabbitmqctl("set_vm_memory_high_watermark", "0.6")


def test_under_an_alarm_images_are_refused_in_time_and_afterwards_they_are_taken_again(
    gateway: Gateway, broker: Broker
) -> None:
    with contextlib.ExitStack() as stack:
        one, other = (stack.enter_context(ForeignClientV2(gateway.port, each)) for each in SUBPROTOCOLS)
        with memory_alarm(broker):
            sent_at = time.monotonic()
            one.upload("r1", IMAGE)
            one.upload("r2", IMAGE)
            one.hear_nothing_more()  # so the gateway has read both before it reads from the other
            other.upload("r1", IMAGE)
            other.upload("r2", IMAGE * 2)  # more than may be in memory with those that are not confirmed
            other.hear_failed("r2", "QUEUE_FULL", again=True)
            other.hear_failed("r1", "UNAVAILABLE", again=True)
            refused = {one.hear()["RequestId"], one.hear()["RequestId"]}
            assert time.monotonic() - sent_at <= REFUSAL_SECONDS
            assert refused == {"r1", "r2"}
        ocr_server = stack.enter_context(ForeignOcrServerV2(broker.port))
        for client in (one, other):
            for request_id in ("r1", "r2"):
                client.upload(request_id, IMAGE)
                client.hear_pending(request_id)
        unanswered = {(client.client_uuid, request_id) for client in (one, other) for request_id in ("r1", "r2")}
        while unanswered:  # what was refused may have come to the queue all the same, and is read twice then
            image = ocr_server.take_image()
            unanswered.discard((image.message()["ClientUUID"], image.message()["RequestId"]))
            ocr_server.read(image, image.message()["RequestId"])
        for client in (one, other):
            told = {client.hear()["OcrResult"], client.hear()["OcrResult"]}
            assert told == {"r1", "r2"}
            client.received("r1", "r2")
            client.hear_nothing_more()
