"""Coming back: the ClientUUID with its key, at this gateway or another one, and what is answered there."""

from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway()


@pytest.fixture(scope="module")
def other_gateway(module_services: Services) -> Gateway:
    return module_services.gateway("RabbitMQ.result_queue=result_queue.other")


@pytest.fixture
def ocr_server(gateway: Gateway, other_gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def subprotocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["the same gateway", "another gateway"])
def port_to_come_back_to(gateway: Gateway, other_gateway: Gateway, request: pytest.FixtureRequest) -> int:
    return gateway.port if request.param == "the same gateway" else other_gateway.port


def test_with_its_key_a_client_is_resumed_as_who_it_was(
    gateway: Gateway, port_to_come_back_to: int, subprotocol: str
) -> None:
    with ForeignClientV2(gateway.port, subprotocol) as client:
        first = client.welcome
    with ForeignClientV2(port_to_come_back_to, subprotocol, resumes=first) as back:
        assert back.welcome == first | {"Resumed": True}


def test_a_client_that_nobody_remembers_is_resumed_all_the_same(gateway: Gateway, other_gateway: Gateway) -> None:
    with ForeignClientV2(gateway.port) as client:
        welcome = client.welcome
    for _ in range(3):
        with ForeignClientV2(other_gateway.port, resumes=welcome) as back:
            assert back.welcome["Resumed"] is True
            assert back.client_uuid == welcome["ClientUUID"]


@pytest.mark.parametrize("wrong", ["another key", "no key", "an empty key", "the key of somebody else", "a long key"])
def test_without_its_key_a_client_uuid_is_refused_and_a_fresh_hello_still_works(
    gateway: Gateway, subprotocol: str, wrong: str
) -> None:
    with ForeignClientV2(gateway.port) as owner, ForeignClientV2(gateway.port) as somebody:
        keys = {
            "another key": {"ResumeKey": "0" * 64},
            "no key": {},
            "an empty key": {"ResumeKey": ""},
            "the key of somebody else": {"ResumeKey": somebody.welcome["ResumeKey"]},
            "a long key": {"ResumeKey": owner.welcome["ResumeKey"] + "0"},
        }
        with ForeignClientV2(gateway.port, subprotocol, says_hello=False) as thief:
            thief.say({"ClientName": "thief", "ClientUUID": owner.client_uuid, **keys[wrong]})
            thief.hear_failed("", "BAD_CLIENT_UUID")
            thief.client_uuid = owner.client_uuid
            thief.upload("r1")
            thief.hear_failed("r1", "BAD_CLIENT_UUID")
            thief.received("r1")
            thief.hear_failed("", "BAD_CLIENT_UUID")
            thief.hello()
            assert thief.client_uuid != owner.client_uuid
        owner.hear_nothing_more()  # nor is it replaced


def test_an_upload_with_the_client_uuid_of_another_is_refused(
    gateway: Gateway, subprotocol: str, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as owner, ForeignClientV2(gateway.port, subprotocol) as other:
        other.upload("r1", ClientUUID=owner.client_uuid)
        other.hear_failed("r1", "BAD_CLIENT_UUID")
        other.upload("r1")
        other.hear_pending("r1")
        ocr_server.read(ocr_server.take_image_of("r1"), "read")
        other.hear_success("r1", "read")


@pytest.mark.parametrize("leaves", ["with a close frame", "without a word"])
def test_an_answer_while_the_client_is_away_is_held_and_comes_once(
    gateway: Gateway, port_to_come_back_to: int, subprotocol: str, ocr_server: ForeignOcrServerV2, leaves: str
) -> None:
    client = ForeignClientV2(gateway.port, subprotocol)
    client.upload("r1")
    client.hear_pending("r1")
    if leaves == "without a word":
        client.vanish()
    client.close()
    ocr_server.read(ocr_server.take_image_of("r1"), "read meanwhile", Outputs={"tsv": "1\t2"}, Confidence=50.0)
    ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(port_to_come_back_to, subprotocol, resumes=client.welcome) as back:
        success = back.hear_success("r1", "read meanwhile")  # PENDING was said before, and it is known to have been
        assert (success["Outputs"], success["Confidence"]) == ({"tsv": "1\t2"}, 50.0)
        back.received("r1")
        back.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)
    with ForeignClientV2(gateway.port, subprotocol, resumes=client.welcome) as again:
        again.upload("r2")
        again.hear_pending("r2")
        ocr_server.read(ocr_server.take_image_of("r2"), "read again")
        again.hear_success("r2", "read again")


def test_a_failure_while_the_client_is_away_is_held_too(
    gateway: Gateway, port_to_come_back_to: int, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    ocr_server.fail(ocr_server.take_image_of("r1"), "UNSUPPORTED_IMAGE", "It is torn.")
    ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(port_to_come_back_to, resumes=client.welcome) as back:
        assert "It is torn." in back.hear_failed("r1", "UNSUPPORTED_IMAGE")["ErrorMessage"]


def test_of_two_held_answers_the_one_that_is_received_does_not_come_again(
    gateway: Gateway, port_to_come_back_to: int, subprotocol: str, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port, subprotocol) as client:
        for request_id in ("r1", "r2"):
            client.upload(request_id)
            client.hear_pending(request_id)
    for request_id in ("r1", "r2"):
        ocr_server.read(ocr_server.take_image_of(request_id), f"text of {request_id}")
    ocr_server.wait_held(client.client_uuid, 2)
    with ForeignClientV2(port_to_come_back_to, subprotocol, resumes=client.welcome) as back:
        assert {back.hear()["RequestId"], back.hear()["RequestId"]} == {"r1", "r2"}
        back.received("r1")
    ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(gateway.port, subprotocol, resumes=client.welcome) as again:
        again.hear_success("r2", "text of r2")
        again.received("r2")
        again.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)


def test_an_answer_that_was_sent_and_not_received_comes_again_to_whoever_is_back(
    gateway: Gateway, port_to_come_back_to: int, subprotocol: str, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port, subprotocol) as client:
        for request_id in ("r1", "r2"):
            client.upload(request_id)
            client.hear_pending(request_id)
            ocr_server.read(ocr_server.take_image_of(request_id), f"text of {request_id}")
            client.hear_success(request_id, f"text of {request_id}")
        client.received("r1")
    with ForeignClientV2(port_to_come_back_to, subprotocol, resumes=client.welcome) as back:
        back.hear_success("r2", "text of r2")
        back.received("r2")
        back.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)


def test_what_is_outstanding_is_answered_where_the_client_is(
    gateway: Gateway, port_to_come_back_to: int, subprotocol: str, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port, subprotocol) as client:
        for number in range(10):
            client.upload(f"r{number}")
            client.hear_pending(f"r{number}")
    with ForeignClientV2(port_to_come_back_to, subprotocol, resumes=client.welcome) as back:
        for number in range(10):
            ocr_server.read(ocr_server.take_image_of(f"r{number}"), f"text {number}")
            back.hear_accepted_and_success(f"r{number}", f"text {number}")
            back.received(f"r{number}")
        back.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)


def test_a_client_that_goes_from_gateway_to_gateway_gets_each_answer_once(
    gateway: Gateway, other_gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    client = ForeignClientV2(gateway.port)
    for number in range(6):
        request_id = f"r{number}"
        client.upload(request_id)
        client.hear_pending(request_id)
        image = ocr_server.take_image_of(request_id)
        client.close()
        port = (other_gateway if number % 2 == 0 else gateway).port
        client = ForeignClientV2(port, SUBPROTOCOLS[number % 2], resumes=client.welcome)
        ocr_server.read(image, f"text {number}")
        client.hear_accepted_and_success(request_id, f"text {number}")
        client.received(request_id)
    client.hear_nothing_more()
    client.close()
    ocr_server.wait_held(client.client_uuid, 0)
