"""`Received`: what is in flight, what makes room, and where an answer goes that nobody confirms."""

from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
MAX_IN_FLIGHT = 2


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway(f"WebSocket.max_in_flight={MAX_IN_FLIGHT}", "WebSocket.idle_timeout=120")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def client(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, request.param) as connected:
        yield connected


def have_answered(client: ForeignClientV2, ocr_server: ForeignOcrServerV2, *request_ids: str) -> None:
    for request_id in request_ids:
        client.upload(request_id)
        client.hear_pending(request_id)
        ocr_server.read(ocr_server.take_image_of(request_id), f"text of {request_id}")
        client.hear_success(request_id, f"text of {request_id}")


def test_answers_count_as_in_flight_until_they_are_received(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    have_answered(client, ocr_server, "r1", "r2")
    client.upload("r3")
    client.hear_failed("r3", "TOO_MANY_IN_FLIGHT", again=True)
    client.received("r2")
    have_answered(client, ocr_server, "r3")
    client.upload("r4")
    client.hear_failed("r4", "TOO_MANY_IN_FLIGHT", again=True)
    client.received("r1", "r3")
    have_answered(client, ocr_server, "r4", "r5")


def test_received_ids_that_are_not_known_are_ignored(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    have_answered(client, ocr_server, "r1")
    client.received("never sent", "r1", "r1", "")
    client.received("r1")
    client.received()
    client.hear_nothing_more()


def test_received_before_the_answer_is_ignored(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    client.received("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.hear_success("r1", "read")


def test_received_with_the_client_uuid_of_another_is_failed_and_costs_that_one_nothing(
    client: ForeignClientV2, gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    have_answered(client, ocr_server, "r1", "r2")
    with ForeignClientV2(gateway.port) as other:
        other.say({"ClientUUID": client.client_uuid, "Received": ["r1", "r2"]})
        other.hear_failed("", "BAD_CLIENT_UUID")
    client.upload("r3")
    client.hear_failed("r3", "TOO_MANY_IN_FLIGHT", again=True)


@pytest.mark.slow
def test_an_answer_that_is_not_received_in_time_moves_to_the_held_queue_and_is_not_told_twice(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, broker: Broker
) -> None:
    def messages_in(queue: str) -> int:
        """All of them, those included that are delivered and not acknowledged; of quorum queues some seconds late."""
        listed = broker.rabbitmqctl("list_queues", "--no-table-headers", "name", "messages")
        return {name: int(count) for name, count in map(str.split, listed.splitlines())}[queue]

    with ForeignClientV2(gateway.port) as client:
        have_answered(client, ocr_server, "r1")
        held_queue = f"held.{client.client_uuid}"
        wait_until(lambda: ocr_server.held(client.client_uuid) is not None, "it moves", seconds=40)
        wait_until(lambda: messages_in(held_queue) == 1, "its copy is in the held queue")
        wait_until(lambda: messages_in("result_queue") == 0, "the original is acknowledged")
        client.hear_nothing_more()
        client.upload("r1")
        client.hear_success("r1", "text of r1")  # asked for, it comes once more
        client.received("r1")
        wait_until(lambda: messages_in(held_queue) == 0, "the late Received empties the held queue")
        have_answered(client, ocr_server, "r2", "r3")
