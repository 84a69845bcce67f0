"""Peers from elsewhere that keep to the contract loosely: nulls, two things in one message, a malformed answer."""

from collections.abc import Iterator

import pika
import pytest

from tests.contract.foreign_peers import ForeignClient
from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway("WebSocket.idle_timeout=120")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
def test_nulls_are_as_good_as_no_keys(gateway: Gateway, ocr_server: ForeignOcrServerV2, subprotocol: str) -> None:
    with ForeignClientV2(gateway.port, subprotocol, says_hello=False) as client:
        client.hello(ClientUUID=None, ResumeKey=None, Token=None)
        client.upload("r1", Options=None)
        client.hear_pending("r1")
        image = ocr_server.take_image_of("r1")
        assert image.message().get("Options", {}) == {}
        ocr_server.read(image, "read", ErrorCode=None, ErrorMessage=None, Outputs=None, Steps=None, Status=None)
        assert client.hear_success("r1", "read")["Outputs"] == {}


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
def test_received_and_cancel_in_one_message_are_both_obeyed(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, subprotocol: str
) -> None:
    with ForeignClientV2(gateway.port, subprotocol) as client:
        for request_id in ("r1", "r2"):
            client.upload(request_id)
            client.hear_pending(request_id)
        ocr_server.read(ocr_server.take_image_of("r1"), "read")
        client.hear_success("r1", "read")
        client.say({"ClientUUID": client.client_uuid, "Received": ["r1"], "Cancel": ["r2"]})
        client.hear_failed("r2", "CANCELLED")
        client.upload("r1")  # not the answer again: that was Received
        client.hear_pending("r1")


NO_JSON = b'{"OcrResult": "caf\xe9"}'


@pytest.mark.parametrize("wrong", [["two", "lines"], NO_JSON], ids=["a wrong type", "no JSON"])
def test_a_malformed_answer_is_failed_and_the_image_may_be_sent_again(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, wrong: list[str] | bytes
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
        image = ocr_server.take_image_of("r1")
        if isinstance(wrong, bytes):
            answered = pika.BasicProperties(correlation_id=image.properties.message_id)
            ocr_server.publish("result_queue", wrong, answered)
        else:
            ocr_server.say(image, OcrResult=wrong)
        ocr_server.acknowledge(image)
        failed = client.hear_failed("r1", "INTERNAL", again=True)
        assert "README" not in failed["ErrorMessage"]
        client.upload("r1")
        client.hear_pending("r1")
        ocr_server.read(ocr_server.take_image_of("r1"), "two\nlines")
        client.hear_success("r1", "two\nlines")


def test_a_malformed_answer_to_a_client_of_v1_is_failed(gateway: Gateway, ocr_server: ForeignOcrServerV2) -> None:
    with ForeignClient(gateway.port) as client:
        client.upload("a.png", b"1")
        client.hear_pending("a.png")
        image = ocr_server.take_image()
        ocr_server.publish("result_queue", NO_JSON, pika.BasicProperties(correlation_id=image.properties.message_id))
        ocr_server.acknowledge(image)
        client.hear_failed("a.png")
