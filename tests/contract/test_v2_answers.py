"""Which answer goes where, and when: PENDING first, one final answer, each to its own request."""

import uuid
from collections.abc import Iterator
from typing import Any

import pika
import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway("WebSocket.max_in_flight=100")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def client(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, request.param) as connected:
        yield connected


def told_of(request_id: str, messages: list[dict[str, Any]]) -> list[str]:
    return [message["ResponseMessage"] for message in messages if message["RequestId"] == request_id]


def test_an_answer_that_overtakes_its_confirm_still_comes_after_pending(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for number in range(10):
        ids = [f"{number}.{one}" for one in range(20)]
        for request_id in ids:
            client.upload(request_id)
        for _ in ids:
            ocr_server.read(ocr_server.take_image(), "at once")
        messages = [client.hear() for _ in range(40)]
        assert all(told_of(one, messages) == ["PENDING", "SUCCESS"] for one in ids)
        client.received(*ids)


def test_progress_that_overtakes_the_confirm_still_comes_after_pending(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for number in range(5):
        ids = [f"{number}.{one}" for one in range(20)]
        for request_id in ids:
            client.upload(request_id)
        for _ in ids:
            image = ocr_server.take_image()
            ocr_server.say(image, Status="PROCESSING")
            ocr_server.read(image, "at once")
        messages = [client.hear() for _ in range(60)]
        assert all(told_of(one, messages) == ["PENDING", "PROCESSING", "SUCCESS"] for one in ids)
        client.received(*ids)


def test_answers_out_of_order_go_to_their_own_requests(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    ids = [f"r{number}" for number in range(10)]
    for request_id in ids:
        client.upload(request_id, name="same name.png")
        client.hear_pending(request_id, "same name.png")
    images = [ocr_server.take_image() for _ in ids]
    for image in reversed(images):
        ocr_server.read(image, f"text of {image.message()['RequestId']}")
    for request_id in reversed(ids):
        client.hear_success(request_id, f"text of {request_id}")


def test_answers_with_a_correlation_id_alone_go_to_their_own_requests(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    ids = [f"r{number}" for number in range(5)]
    for request_id in ids:
        client.upload(request_id)
        client.hear_pending(request_id)
    for image in reversed([ocr_server.take_image() for _ in ids]):
        ocr_server.answer(image, f"text of {image.message()['RequestId']}", correlated=True)
    for request_id in reversed(ids):
        client.hear_success(request_id, f"text of {request_id}")


def test_answers_without_any_id_go_to_the_oldest_request_of_that_name(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    ids = ["r1", "other", "r2", "r3"]
    for request_id in ids:
        client.upload(request_id, name="other.png" if request_id == "other" else "a.png")
        client.hear_pending(request_id, "other.png" if request_id == "other" else "a.png")
    images = [ocr_server.take_image_of(request_id) for request_id in ids]
    ocr_server.answer(images[1], "text of the other")
    client.hear_success("other", "text of the other")
    for number, image in enumerate((images[3], images[2], images[0]), 1):
        ocr_server.answer(image, f"text {number}")
        client.hear_success(f"r{number}", f"text {number}")


def test_an_answer_that_comes_twice_is_told_once(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    for request_id, is_received in (("r1", False), ("r2", True)):
        client.upload(request_id)
        client.hear_pending(request_id)
        image = ocr_server.take_image()
        ocr_server.say_text(image, "once")
        client.hear_success(request_id, "once")
        if is_received:
            client.received(request_id)
        client.hear_nothing_more()
        ocr_server.read(image, "twice")
        client.upload(f"after {request_id}")
        client.hear_pending(f"after {request_id}")
        ocr_server.read(ocr_server.take_image(), "next")  # it is behind the repeat in the queue
        client.hear_success(f"after {request_id}", "next")


def test_progress_after_the_answer_is_not_told(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    image = ocr_server.take_image()
    ocr_server.read(image, "read")
    client.hear_success("r1", "read")
    ocr_server.say(image, Status="PROCESSING")
    client.upload("r2")
    client.hear_pending("r2")
    ocr_server.read(ocr_server.take_image(), "next")
    client.hear_success("r2", "next")


def test_the_same_request_id_of_two_clients_is_two_requests(
    client: ForeignClientV2, gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as other:
        for one in (client, other):
            one.upload("r1")
            one.hear_pending("r1")
        for image in (ocr_server.take_image(), ocr_server.take_image()):
            ocr_server.read(image, f"for {image.message()['ClientUUID']}")
        for one in (client, other):
            one.hear_success("r1", f"for {one.client_uuid}")


def test_what_no_gateway_can_make_sense_of_disturbs_nobody(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    about = {"ClientUUID": client.client_uuid, "ImageFileName": "a.png"}
    nobody = {"ClientUUID": f"2020-01-01-00-00-00-{uuid.uuid4()}", "ImageFileName": "a.png"}
    for body in (
        about | {"RequestId": "r1", "Status": "DREAMING"},
        about | {"RequestId": "r9", "Status": "PROCESSING"},
        about | {"RequestId": "r1", "OcrResult": 7},
        nobody | {"RequestId": "r1", "Status": "PROCESSING"},
        nobody | {"OcrResult": "for nobody"},
        b"no message",
    ):
        ocr_server.publish("result_queue", body, pika.BasicProperties())
    ocr_server.read(ocr_server.take_image(), "read")
    client.hear_success("r1", "read")
