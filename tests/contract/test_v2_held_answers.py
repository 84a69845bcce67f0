"""Held answers beside what the client does meanwhile: it asks again, it is slow, it is in two places."""

from collections.abc import Iterator

import pika
import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway("WebSocket.max_in_flight=100")


@pytest.fixture(scope="module")
def other_gateway(module_services: Services) -> Gateway:
    return module_services.gateway("RabbitMQ.result_queue=result_queue.other", "WebSocket.idle_timeout=120")


@pytest.fixture
def ocr_server(gateway: Gateway, other_gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=["the same gateway", "another gateway"])
def port_to_come_back_to(gateway: Gateway, other_gateway: Gateway, request: pytest.FixtureRequest) -> int:
    return gateway.port if request.param == "the same gateway" else other_gateway.port


def test_what_is_asked_for_again_while_its_answer_is_held_has_one_answer(
    gateway: Gateway, port_to_come_back_to: int, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(port_to_come_back_to, resumes=client.welcome) as back:
        back.upload("r1")
        back.hear_accepted_and_success("r1", "read")
        back.received("r1")
        back.upload("r2")  # what may still be said of r1 comes before the end of this
        messages = [back.hear()]
        image = ocr_server.take_image()
        if image.message()["RequestId"] == "r1":  # another gateway cannot know that it has been read
            ocr_server.read(image, "read")
            image = ocr_server.take_image()
        assert image.message()["RequestId"] == "r2"
        ocr_server.read(image, "read too")
        while (messages[-1]["ResponseMessage"], messages[-1]["RequestId"]) != ("SUCCESS", "r2"):
            messages.append(back.hear())
        again = [message for message in messages if message["RequestId"] == "r1"]
        # Sent again as its answer came, it may be told twice, for the client to drop; never with another answer.
        assert all((one["ResponseMessage"], one["OcrResult"]) == ("SUCCESS", "read") for one in again), again
        back.received("r1", "r2")
        back.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)


def test_a_held_failure_with_retry_after_can_be_tried_again(
    gateway: Gateway, port_to_come_back_to: int, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    ocr_server.fail(ocr_server.take_image_of("r1"), "INTERNAL")
    ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(port_to_come_back_to, resumes=client.welcome) as back:
        back.hear_failed("r1", "INTERNAL", again=True)
        back.upload("r1")
        back.hear_pending("r1")
        ocr_server.read(ocr_server.take_image_of("r1"), "read at last")
        back.hear_success("r1", "read at last")
        back.received("r1")
    ocr_server.wait_held(client.client_uuid, 0)
    with ForeignClientV2(gateway.port, resumes=client.welcome) as again:
        again.hear_nothing_more()  # the first attempt's failure is gone


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
def test_a_client_that_says_received_once_for_all_gets_all_it_was_promised(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, subprotocol: str
) -> None:
    ids = [f"r{number}" for number in range(100)]
    with ForeignClientV2(gateway.port, subprotocol) as client:
        assert client.welcome["MaxInFlight"] == len(ids)
        for request_id in ids:
            client.upload(request_id, b"small")
            client.hear_pending(request_id)
    for request_id in ids:
        ocr_server.read(ocr_server.take_image_of(request_id), f"text of {request_id}")
    ocr_server.wait_held(client.client_uuid, len(ids))
    with ForeignClientV2(gateway.port, subprotocol, resumes=client.welcome) as back:
        told = [back.hear() for _ in ids]
        assert {one["RequestId"]: one["OcrResult"] for one in told} == {one: f"text of {one}" for one in ids}
        back.received(*ids)
        back.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)


def test_while_one_client_is_slow_to_say_received_others_get_their_held_answers(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as slow, ForeignClientV2(gateway.port) as quick:
        for number in range(50):
            slow.upload(f"r{number}", b"small")
            slow.hear_pending(f"r{number}")
        quick.upload("r1")
        quick.hear_pending("r1")
    for _ in range(51):
        ocr_server.read(ocr_server.take_image(), "read")
    ocr_server.wait_held(slow.client_uuid, 50)
    ocr_server.wait_held(quick.client_uuid, 1)
    with (
        ForeignClientV2(gateway.port, resumes=slow.welcome) as slow_again,
        ForeignClientV2(gateway.port, resumes=quick.welcome) as quick_again,
    ):
        assert slow_again.hear()["ResponseMessage"] == "SUCCESS"
        quick_again.hear_success("r1", "read")
        quick_again.received("r1")
        slow_again.vanish()


@pytest.mark.slow
def test_an_answer_given_to_a_half_dead_connection_reaches_the_client_at_another_gateway(
    gateway: Gateway, other_gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as half_dead:  # still open, and nobody listens
        half_dead.upload("r1")
        half_dead.hear_pending("r1")
        with ForeignClientV2(other_gateway.port, resumes=half_dead.welcome) as back:
            ocr_server.read(ocr_server.take_image_of("r1"), "read")
            back.seconds = 60.0  # it is 30 s with the first gateway
            back.hear_accepted_and_success("r1", "read")
            back.received("r1")
            back.hear_nothing_more()


def test_an_answer_misled_to_another_gateway_reaches_the_client_that_asks_for_it_again(
    gateway: Gateway, other_gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(other_gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
        image = ocr_server.take_image_of("r1")
        # As when two gateways take answers from one queue: for a moment, while one replaces the other.
        misled = {key: image.message()[key] for key in ("ClientUUID", "ImageFileName", "RequestId")}
        ocr_server.publish("result_queue", misled | {"OcrResult": "read"}, pika.BasicProperties())
        ocr_server.wait_held(client.client_uuid, 1)
        ocr_server.acknowledge(image)
        client.upload("r1")
        client.hear_pending("r1")
        client.hear_success("r1", "read")
        client.received("r1")
        client.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)
    assert client.client_uuid in gateway.output()
