"""The same RequestId again from the same client: read once, told as often as it is asked for."""

from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway("WebSocket.max_in_flight=2")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def client(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, request.param) as connected:
        yield connected


def test_sent_again_before_pending_it_is_published_once(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for _ in range(3):
        client.upload("r1")
    client.upload("r2")
    image = ocr_server.take_image_of("r1")
    other = ocr_server.take_image_of("r2")
    ocr_server.read(image, "read")
    messages = [client.hear()]
    while messages[-1]["ResponseMessage"] != "SUCCESS":
        messages.append(client.hear())
    assert messages[-1]["RequestId"] == "r1"
    assert {message["ResponseMessage"] for message in messages[:-1]} == {"PENDING"}
    ocr_server.read(other, "read")
    assert ocr_server.waiting("pending_queue") == 0


def test_sent_again_after_pending_it_is_pending_again_and_published_once(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    for _ in range(2):
        client.upload("r1")
        client.hear_pending("r1")
    client.upload("r2")
    client.hear_pending("r2")
    image = ocr_server.take_image_of("r1")
    ocr_server.read(ocr_server.take_image_of("r2"), "two")
    client.hear_success("r2", "two")
    ocr_server.read(image, "one")
    client.hear_success("r1", "one")
    client.hear_nothing_more()


def test_sent_again_after_its_answer_it_is_answered_again_and_not_published(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    told = client.hear_success("r1", "read")
    for _ in range(2):
        client.upload("r1")
        assert client.hear_success("r1", "read") == told
    client.upload("r2")
    client.hear_pending("r2")
    ocr_server.take_image_of("r2")


def test_sent_again_after_a_failure_for_good_it_is_failed_again_and_not_published(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.fail(ocr_server.take_image_of("r1"), "UNSUPPORTED_IMAGE")
    told = client.hear_failed("r1", "UNSUPPORTED_IMAGE")
    client.upload("r1")
    assert client.hear_failed("r1", "UNSUPPORTED_IMAGE") == told
    client.upload("r2")
    client.hear_pending("r2")
    ocr_server.take_image_of("r2")


@pytest.mark.parametrize("is_received", [False, True])
def test_sent_again_after_a_failure_with_retry_after_it_is_a_new_attempt(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, is_received: bool
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.fail(ocr_server.take_image_of("r1"), "INTERNAL")
    client.hear_failed("r1", "INTERNAL", again=True)
    if is_received:
        client.received("r1")
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read at last")
    client.hear_success("r1", "read at last")
    client.hear_nothing_more()


def test_sent_again_after_a_refusal_with_retry_after_it_is_a_new_attempt(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for request_id in ("r1", "r2"):
        client.upload(request_id)
        client.hear_pending(request_id)
    client.upload("r3")
    client.hear_failed("r3", "TOO_MANY_IN_FLIGHT", again=True)
    client.upload("r1")  # in flight already: it needs no room
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "one")
    client.hear_success("r1", "one")
    client.received("r1")
    client.upload("r3")
    client.hear_pending("r3")
    ocr_server.read(ocr_server.take_image_of("r2"), "two")
    client.hear_success("r2", "two")
    ocr_server.read(ocr_server.take_image_of("r3"), "three")
    client.hear_success("r3", "three")


def test_a_late_answer_to_an_attempt_that_failed_is_no_second_answer_to_the_next(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    first = ocr_server.take_image_of("r1")
    ocr_server.fail(first, "INTERNAL")
    client.hear_failed("r1", "INTERNAL", again=True)
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.say_text(first, "read")
    client.hear_success("r1", "read")  # whichever attempt it is of, it is the answer
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.received("r1")
    client.upload("r2")
    client.hear_pending("r2")
    ocr_server.read(ocr_server.take_image_of("r2"), "two")
    client.hear_success("r2", "two")


def test_sent_again_on_a_newer_connection_it_is_published_once(
    client: ForeignClientV2, gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    client.close()
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        back.upload("r1")
        back.hear_pending("r1")
        back.upload("r2")
        back.hear_pending("r2")
        image = ocr_server.take_image_of("r1")
        ocr_server.take_image_of("r2")
        ocr_server.read(image, "read")
        back.hear_success("r1", "read")
        back.hear_nothing_more()
