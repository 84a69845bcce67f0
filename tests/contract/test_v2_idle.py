"""Who is idle, and who only waits."""

import threading
from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
IDLE = 4000
IDLE_TIMEOUT = 2  # seconds: not to pass on a busy machine between a welcome and what follows at once


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway(f"WebSocket.idle_timeout={IDLE_TIMEOUT}")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


def pass_an_idle_timeout(gateway: Gateway) -> None:
    """Return when a client that came just now has been idle for too long."""
    with ForeignClientV2(gateway.port) as idle:
        assert idle.hear_close()[0] == IDLE


def test_who_is_silent_is_disconnected_with_4000_and_can_resume(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with (
        ForeignClientV2(gateway.port, SUBPROTOCOLS[0]) as one,
        ForeignClientV2(gateway.port, SUBPROTOCOLS[1]) as other,
        ForeignClientV2(gateway.port, says_hello=False) as silent,
        ForeignClientV2(gateway.port) as answered,
    ):
        assert one.welcome["IdleTimeout"] == IDLE_TIMEOUT
        answered.upload("r1")
        answered.hear_pending("r1")
        ocr_server.read(ocr_server.take_image_of("r1"), "read")
        answered.hear_success("r1", "read")  # and says nothing more, not even Received
        for client in (one, other, silent, answered):
            assert client.hear_close()[0] == IDLE
    with ForeignClientV2(gateway.port, resumes=answered.welcome) as back:
        back.hear_success("r1", "read")
        back.received("r1")


def test_who_waits_for_an_answer_is_not_idle_until_it_is_there(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port, SUBPROTOCOLS[0]) as one, ForeignClientV2(gateway.port, SUBPROTOCOLS[1]) as other:
        for waiting in (one, other):
            waiting.upload("r1")
            waiting.hear_pending("r1")
        pass_an_idle_timeout(gateway)
        for waiting in (one, other):
            ocr_server.read(ocr_server.take_image_of("r1"), "read")
            waiting.hear_success("r1", "read")
            waiting.received("r1")
        for waiting in (one, other):
            assert waiting.hear_close()[0] == IDLE


def test_who_resumes_to_wait_for_an_answer_is_not_idle(gateway: Gateway, ocr_server: ForeignOcrServerV2) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        pass_an_idle_timeout(gateway)
        ocr_server.read(ocr_server.take_image_of("r1"), "read")
        back.hear_success("r1", "read")
        back.received("r1")


def test_who_says_anything_is_not_idle(gateway: Gateway) -> None:
    with ForeignClientV2(gateway.port) as talking:
        waiting = threading.Thread(target=pass_an_idle_timeout, args=(gateway,))
        waiting.start()
        while waiting.is_alive():
            talking.received()
            waiting.join(IDLE_TIMEOUT / 10)
        talking.hear_nothing_more()
