"""The gateway ends, in order or not, and is started again: what was owed is still there."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import ForeignClientV2, ForeignOcrServerV2
from tests.faults.amqp_methods import BASIC_ACK
from tests.faults.container_broker import Broker
from tests.faults.proxy import Proxy, Way
from tests.running import Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
SUBPROTOCOL = "ocr.v2.msgpack"  # what is kept over a restart is the same for both


@pytest.fixture
def proxy(broker: Broker) -> Iterator[Proxy]:
    """What the gateway reaches the broker by."""
    with Proxy(broker.port) as proxy:
        yield proxy


@pytest.fixture
def gateway(services: Services, proxy: Proxy, request: pytest.FixtureRequest) -> Gateway:
    """The parameter: further settings."""
    return services.gateway(f"RabbitMQ.port={proxy.port}", *getattr(request, "param", ()))


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        yield server


@pytest.fixture
def client(gateway: Gateway) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, SUBPROTOCOL) as connected:
        yield connected


def kill(gateway: Gateway) -> None:
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait()


def have_answered(client: ForeignClientV2, ocr_server: ForeignOcrServerV2, *request_ids: str) -> None:
    for request_id in request_ids:
        client.upload(request_id)
        client.hear_pending(request_id)
        ocr_server.read(ocr_server.take_image_of(request_id), f"text of {request_id}")
        client.hear_success(request_id, f"text of {request_id}")


def test_answers_that_were_not_received_survive_a_kill_and_come_again(
    services: Services, gateway: Gateway, client: ForeignClientV2, ocr_server: ForeignOcrServerV2, proxy: Proxy
) -> None:
    have_answered(client, ocr_server, "r1", "r2")
    acknowledged = proxy.watch(Way.UP, BASIC_ACK)
    client.received("r1")
    acknowledged.wait("that r1 is done with")
    have_answered(client, ocr_server, "r3")
    kill(gateway)
    wait_until(lambda: ocr_server.waiting("result_queue") == 2, "the broker has back what was not Received")
    services.gateway(port=gateway.port)
    with ForeignClientV2(gateway.port, SUBPROTOCOL, resumes=client.welcome) as back:
        assert back.welcome == client.welcome | {"Resumed": True}
        heard = [back.hear() for _ in range(4)]  # of each its PENDING and its text; which is the first is not promised
        for request_id in ("r2", "r3"):
            _, final = (message for message in heard if message["RequestId"] == request_id)
            assert (final["ResponseMessage"], final["OcrResult"]) == ("SUCCESS", f"text of {request_id}")
        back.received("r2", "r3")
        back.hear_nothing_more()
    assert not ocr_server.held(client.client_uuid)
    assert ocr_server.waiting("result_queue") == 0


def test_held_answers_survive_a_kill(
    services: Services, gateway: Gateway, client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    client.close()
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    ocr_server.wait_held(client.client_uuid, 1)
    kill(gateway)
    services.gateway(port=gateway.port)
    with ForeignClientV2(gateway.port, SUBPROTOCOL, resumes=client.welcome) as back:
        back.hear_success("r1", "read")
        back.received("r1")
        back.hear_nothing_more()


@pytest.mark.parametrize("is_back_first", [False, True])
def test_an_answer_to_what_a_killed_gateway_accepted_is_handed_over_by_the_next(
    services: Services, gateway: Gateway, client: ForeignClientV2, ocr_server: ForeignOcrServerV2, is_back_first: bool
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    image = ocr_server.take_image_of("r1")
    kill(gateway)
    services.gateway(port=gateway.port)
    if not is_back_first:
        ocr_server.read(image, "read meanwhile")
        ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(gateway.port, SUBPROTOCOL, resumes=client.welcome) as back:
        if is_back_first:
            ocr_server.read(image, "read meanwhile")
        back.hear_accepted_and_success("r1", "read meanwhile")
        back.received("r1")
        back.hear_nothing_more()


def test_a_gateway_that_stops_finishes_what_is_in_hand_and_takes_nothing_new(
    gateway: Gateway, client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    gateway.process.send_signal(signal.SIGTERM)
    gateway.wait_for_output("stopping")
    client.upload("r2")
    client.hear_failed("r2", "UNAVAILABLE", again=True)
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.hear_success("r1", "read")
    client.received("r1")
    assert client.hear_close()[0] == 1001
    assert gateway.exit_code() == 0
    assert not ocr_server.held(client.client_uuid)
    assert ocr_server.waiting("result_queue") == ocr_server.waiting("pending_queue") == 0


@pytest.mark.parametrize("gateway", [["WebSocket.shutdown_grace=1"]], indirect=True)
def test_a_gateway_that_stops_leaves_what_is_not_received_in_held_queues(
    services: Services, gateway: Gateway, client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    have_answered(client, ocr_server, "r1", "r2")
    client.received("r1")
    client.upload("r3")
    client.hear_pending("r3")
    image = ocr_server.take_image_of("r3")  # and it is not read within shutdown_grace
    gateway.process.send_signal(signal.SIGTERM)
    assert client.hear_close()[0] == 1001
    assert gateway.exit_code() == 0
    assert ocr_server.held(client.client_uuid) == 1
    assert ocr_server.waiting("result_queue") == 0
    ocr_server.read(image, "text of r3")
    services.gateway(port=gateway.port)
    ocr_server.wait_held(client.client_uuid, 2)
    with ForeignClientV2(gateway.port, SUBPROTOCOL, resumes=client.welcome) as back:
        back.hear_success("r2", "text of r2")
        back.hear_accepted_and_success("r3", "text of r3")
        back.received("r2", "r3")
        back.hear_nothing_more()
    ocr_server.wait_held(client.client_uuid, 0)
    assert ocr_server.waiting("result_queue") == ocr_server.waiting("pending_queue") == 0
