"""Who leaves for good has its images cancelled: a v1 client at once, a v2 client after the resume window."""

import time
from collections.abc import Iterator

import pytest

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import ForeignClient
from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ControlListener, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
RESUME_WINDOW = 3
"""Seconds: enough for a busy machine to let a client come back in, and a gateway see that it is at another one."""


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway(f"WebSocket.resume_window={RESUME_WINDOW}")


@pytest.fixture(scope="module")
def other_gateway(module_services: Services) -> Gateway:
    own_queue = "RabbitMQ.result_queue=result_queue.other"
    return module_services.gateway(f"WebSocket.resume_window={RESUME_WINDOW}", own_queue)


@pytest.fixture
def ocr_server(gateway: Gateway, other_gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture
def control(gateway: Gateway, broker: Broker) -> Iterator[ControlListener]:
    with ControlListener(broker.port) as listener:
        yield listener


def leave_with_an_image(gateway: Gateway, subprotocol: str = "ocr.v2", request_id: str = "r1") -> ForeignClientV2:
    with ForeignClientV2(gateway.port, subprotocol) as client:
        client.upload(request_id)
        client.hear_pending(request_id)
    return client


def test_a_v1_client_that_leaves_has_its_images_cancelled_at_once(gateway: Gateway, control: ControlListener) -> None:
    before = int(time.time())
    with ForeignClient(gateway.port) as client:
        client.upload("a.png", NO_IMAGE)
        client.hear_pending("a.png")
    message, timestamp = control.hear()
    assert message == {"Cancel": {"ClientUUID": client.client_uuid}}
    assert timestamp is not None
    assert before <= timestamp <= time.time()


def test_a_v2_client_that_stays_away_has_its_images_cancelled_when_the_resume_window_is_over(
    gateway: Gateway, control: ControlListener
) -> None:
    with ForeignClientV2(gateway.port), ForeignClient(gateway.port):
        pass  # without images they leave without a word
    left = []
    for subprotocol in SUBPROTOCOLS:
        came_at = time.time()
        left.append((leave_with_an_image(gateway, subprotocol).client_uuid, came_at))
    for client_uuid, came_at in left:
        message, timestamp = control.hear()
        assert time.time() - came_at >= RESUME_WINDOW
        assert message == {"Cancel": {"ClientUUID": client_uuid}}
        assert timestamp is not None
        # When it was here last, not when its absence was noticed; and whole seconds, so up to one too early.
        assert came_at - 1 <= timestamp <= time.time() - RESUME_WINDOW


@pytest.mark.parametrize("where", ["the same gateway", "another gateway"])
def test_a_client_that_is_back_in_time_has_nothing_cancelled(
    gateway: Gateway, other_gateway: Gateway, control: ControlListener, ocr_server: ForeignOcrServerV2, where: str
) -> None:
    client = leave_with_an_image(gateway)
    image = ocr_server.take_image_of("r1")
    port = (gateway if where == "the same gateway" else other_gateway).port
    with ForeignClientV2(port, resumes=client.welcome) as back:
        gone = leave_with_an_image(gateway)  # its time is over later than that of the one that is back
        assert control.hear()[0] == {"Cancel": {"ClientUUID": gone.client_uuid}}
        ocr_server.read(image, "read")
        back.hear_accepted_and_success("r1", "read")
        back.received("r1")
        back.hear_nothing_more()


def test_a_client_that_comes_back_too_late_keeps_its_client_uuid_and_is_served(
    gateway: Gateway, control: ControlListener, ocr_server: ForeignOcrServerV2
) -> None:
    client = leave_with_an_image(gateway)
    image = ocr_server.take_image_of("r1")
    control.hear()
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        assert (back.client_uuid, back.welcome["Resumed"]) == (client.client_uuid, True)
        back.upload("r2")
        back.hear_pending("r2")
        ocr_server.read(ocr_server.take_image_of("r2"), "read")
        back.hear_success("r2", "read")
        back.received("r2")
        ocr_server.acknowledge(image)


def test_a_late_result_for_a_client_that_has_left_is_dropped(
    gateway: Gateway, control: ControlListener, ocr_server: ForeignOcrServerV2
) -> None:
    client = leave_with_an_image(gateway)
    image = ocr_server.take_image_of("r1")
    control.hear()
    ocr_server.read(image, "for nobody")
    with ForeignClientV2(gateway.port) as other:  # its answer is behind that one
        other.upload("r2")
        other.hear_pending("r2")
        ocr_server.read(ocr_server.take_image_of("r2"), "read")
        other.hear_success("r2", "read")
    assert not ocr_server.held(client.client_uuid)
    assert ocr_server.waiting("result_queue") == 0
