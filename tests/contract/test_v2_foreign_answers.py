"""Answers of OCR servers from elsewhere that no client can be given: each costs itself and nothing else."""

from collections.abc import Iterator
from typing import Any

import pika
import pytest

from tests.contract.foreign_peers_v2 import ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")

MSGPACK = "ocr.v2.msgpack"
MORE_THAN_HELD_AT_A_TIME = 20


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway()


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


def test_outputs_that_an_encoding_has_no_form_for_are_failed_in_words(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port, MSGPACK) as client:
        client.upload("r1")
        client.hear_pending("r1")
        ocr_server.read(ocr_server.take_image(), "read", Outputs={"words": [2**80]})
        failed = client.hear_failed("r1", "INTERNAL")
        assert "ocr.v2" in failed["ErrorMessage"]
        client.received("r1")
        client.upload("r2")
        client.hear_pending("r2")
        ocr_server.read(ocr_server.take_image(), "read")
        client.hear_success("r2", "read")
        client.received("r2")


def test_answers_for_a_client_uuid_that_is_none_go_to_the_dead_letters_and_hold_up_nobody(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    answer = {"ClientUUID": "u" * 300, "ImageFileName": "a.png", "RequestId": "r", "OcrResult": "read"}
    dead_letters = ocr_server.waiting("dead_letter_queue")
    for _ in range(MORE_THAN_HELD_AT_A_TIME):
        ocr_server.publish("result_queue", answer, pika.BasicProperties())
    ocr_server.read(ocr_server.take_image(), "read")
    ocr_server.wait_held(client.client_uuid, 1)
    wanted = dead_letters + MORE_THAN_HELD_AT_A_TIME
    wait_until(lambda: ocr_server.waiting("dead_letter_queue") == wanted, f"{wanted} dead letters")
    ocr_server.channel.queue_purge("dead_letter_queue")
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        back.hear_accepted_and_success("r1", "read")
        back.received("r1")


NO_TEXT = b"\xff\xfe"
NANOSECONDS = 1_795_291_886_000_000_000


@pytest.mark.parametrize("properties", [{"correlation_id": NO_TEXT}, {"timestamp": NANOSECONDS}], ids=["text", "time"])
def test_a_property_that_cannot_be_read_does_not_cost_the_gateway_its_connection(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, properties: dict[str, Any]
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
        image = ocr_server.take_image()
        about = {key: image.message()[key] for key in ("ClientUUID", "ImageFileName", "RequestId")}
        ocr_server.publish("result_queue", about | {"OcrResult": "read"}, pika.BasicProperties(**properties))
        ocr_server.acknowledge(image)
        client.hear_success("r1", "read")
        client.received("r1")
    assert "is lost" not in gateway.output()
