"""Two connections with one ClientUUID on one gateway: the newer one counts."""

from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
REPLACED = 4001


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway("WebSocket.max_in_flight=4")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def older(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, request.param) as connected:
        yield connected


def test_the_older_connection_is_closed_with_4001_and_the_newer_one_is_resumed(
    gateway: Gateway, older: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port, SUBPROTOCOLS, resumes=older.welcome) as newer:
        assert newer.welcome == older.welcome | {"Resumed": True}
        code, reason = older.hear_close()
        assert code == REPLACED
        assert reason
        newer.upload("r1")
        newer.hear_pending("r1")
        ocr_server.read(ocr_server.take_image_of("r1"), "read")
        newer.hear_success("r1", "read")


def test_what_is_outstanding_is_answered_on_the_newer_connection(
    gateway: Gateway, older: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    older.upload("r1")
    older.hear_pending("r1")
    image = ocr_server.take_image_of("r1")
    with ForeignClientV2(gateway.port, resumes=older.welcome) as newer:
        ocr_server.read(image, "read")
        newer.hear_success("r1", "read")
        assert older.hear_close()[0] == REPLACED
        newer.received("r1")
        newer.hear_nothing_more()


def test_what_was_sent_and_not_received_comes_again_on_the_newer_connection_once(
    gateway: Gateway, older: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for request_id in ("r1", "r2"):
        older.upload(request_id)
        older.hear_pending(request_id)
        ocr_server.read(ocr_server.take_image_of(request_id), f"text of {request_id}")
        older.hear_success(request_id, f"text of {request_id}")
    older.received("r1")
    older.hear_nothing_more()  # the gateway has read that
    with ForeignClientV2(gateway.port, resumes=older.welcome) as newer:
        newer.hear_success("r2", "text of r2")
        newer.received("r2")
        newer.hear_nothing_more()
        assert older.hear_close()[0] == REPLACED


def test_what_was_held_and_is_with_the_older_connection_comes_on_the_newer_one(
    gateway: Gateway, older: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    older.upload("r1")
    older.hear_pending("r1")
    older.close()
    ocr_server.read(ocr_server.take_image_of("r1"), "held")
    ocr_server.wait_held(older.client_uuid, 1)
    with ForeignClientV2(gateway.port, resumes=older.welcome) as back:
        back.hear_success("r1", "held")
        with ForeignClientV2(gateway.port, resumes=older.welcome) as newer:
            newer.hear_success("r1", "held")
            newer.received("r1")
            newer.hear_nothing_more()
            assert back.hear_close()[0] == REPLACED
    ocr_server.wait_held(older.client_uuid, 0)


def test_the_end_of_the_older_connection_does_not_disturb_the_newer_one(
    gateway: Gateway, older: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    older.upload("r1")
    older.hear_pending("r1")
    with ForeignClientV2(gateway.port, resumes=older.welcome) as newer:
        assert older.hear_close()[0] == REPLACED
        older.close()
        ocr_server.read(ocr_server.take_image_of("r1"), "one")
        newer.hear_success("r1", "one")
        newer.upload("r2")
        newer.hear_pending("r2")
        ocr_server.read(ocr_server.take_image_of("r2"), "two")
        newer.hear_success("r2", "two")
        newer.received("r1", "r2")
        newer.hear_nothing_more()


def test_a_client_that_replaces_itself_again_and_again_loses_nothing_and_has_no_more_room(
    gateway: Gateway, older: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for number in range(4):
        older.upload(f"r{number}")
        older.hear_pending(f"r{number}")
    connections = [older]
    try:
        for _ in range(5):
            connections.append(ForeignClientV2(gateway.port, resumes=older.welcome))
        newest = connections[-1]
        newest.upload("r9")
        newest.hear_failed("r9", "TOO_MANY_IN_FLIGHT", again=True)
        for number in range(4):
            ocr_server.read(ocr_server.take_image_of(f"r{number}"), f"text {number}")
            newest.hear_success(f"r{number}", f"text {number}")
        for replaced in connections[:-1]:
            assert replaced.hear_close()[0] == REPLACED
    finally:
        for connection in connections:
            connection.close()
