"""Cancelling one request: one FAILED for it, a word to the OCR servers, and no answer afterwards."""

import time
from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ControlListener, ForeignClientV2, ForeignOcrServerV2
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


@pytest.fixture
def control(gateway: Gateway, broker: Broker) -> Iterator[ControlListener]:
    with ControlListener(broker.port) as listener:
        yield listener


@pytest.fixture(params=SUBPROTOCOLS)
def client(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, request.param) as connected:
        yield connected


def test_a_cancelled_request_is_failed_once_and_the_ocr_servers_are_told(
    client: ForeignClientV2, control: ControlListener, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1", name="圖.png")
    client.hear_pending("r1", "圖.png")
    before = int(time.time())
    client.cancel("r1")
    assert client.hear_failed("r1", "CANCELLED")["ImageFileName"] == "圖.png"
    message, timestamp = control.hear()
    assert message == {"Cancel": {"ClientUUID": client.client_uuid, "RequestId": "r1"}}
    assert timestamp is not None
    assert before <= timestamp <= time.time() + 1
    client.cancel("r1")
    client.hear_nothing_more()


def test_several_are_cancelled_at_once_and_make_room(
    client: ForeignClientV2, control: ControlListener, ocr_server: ForeignOcrServerV2
) -> None:
    for request_id in ("r1", "r2"):
        client.upload(request_id)
        client.hear_pending(request_id)
    client.cancel("r2", "r1", "r2")
    client.hear_failed("r2", "CANCELLED")
    client.hear_failed("r1", "CANCELLED")
    told = [control.hear()[0]["Cancel"]["RequestId"] for _ in range(2)]
    assert sorted(told) == ["r1", "r2"]
    for request_id in ("r3", "r4"):
        client.upload(request_id)
        client.hear_pending(request_id)


def test_results_for_what_is_cancelled_are_dropped(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    image = ocr_server.take_image_of("r1")
    client.cancel("r1")
    client.hear_failed("r1", "CANCELLED")
    ocr_server.say(image, Status="PROCESSING")
    ocr_server.say_text(image, "too late")
    ocr_server.answer(image, "too late, and twice", correlated=True)
    client.upload("r2")
    client.hear_pending("r2")
    ocr_server.read(ocr_server.take_image_of("r2"), "read")
    client.hear_success("r2", "read")
    client.hear_nothing_more()


def test_what_is_answered_already_is_not_cancelled(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.hear_success("r1", "read")
    client.cancel("r1")
    client.hear_nothing_more()
    client.received("r1")
    client.cancel("r1")
    client.hear_nothing_more()


def test_an_upload_and_its_cancel_in_one_breath_give_one_final_answer(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for number in range(10):
        request_id = f"r{number}"
        client.upload(request_id)
        client.cancel(request_id)
        messages = [client.hear()]
        while messages[-1]["ResponseMessage"] != "FAILED":
            messages.append(client.hear())
        assert (messages[-1]["RequestId"], messages[-1]["ErrorCode"]) == (request_id, "CANCELLED")
        ocr_server.read(ocr_server.take_image_of(request_id), "too late")
    client.hear_nothing_more()


def test_cancel_with_the_client_uuid_of_another_is_failed_and_costs_that_one_nothing(
    client: ForeignClientV2, gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    with ForeignClientV2(gateway.port) as other:
        other.say({"ClientUUID": client.client_uuid, "Cancel": ["r1"]})
        other.hear_failed("", "BAD_CLIENT_UUID")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.hear_success("r1", "read")


def test_a_request_that_was_accepted_by_another_connection_can_be_cancelled(
    client: ForeignClientV2, gateway: Gateway, control: ControlListener, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    image = ocr_server.take_image_of("r1")
    client.close()
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        back.cancel("r1")
        back.hear_failed("r1", "CANCELLED")
        assert control.hear()[0] == {"Cancel": {"ClientUUID": client.client_uuid, "RequestId": "r1"}}
        ocr_server.read(image, "too late")
        back.upload("r2")
        back.hear_pending("r2")
        ocr_server.read(ocr_server.take_image_of("r2"), "read")
        back.hear_success("r2", "read")
