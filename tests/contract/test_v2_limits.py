"""Too large, too many, too quick: refused within the bound's own words, and good again when obeyed."""

import contextlib
import re
import threading
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import ForeignClient
from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
MIB = 1024 * 1024
MAX_PENDING = 3
MAX_CONNECTIONS = 3


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway(f"WebSocket.max_image_bytes={MIB}", f"RabbitMQ.max_pending={MAX_PENDING}")


@pytest.fixture(scope="module")
def limited_gateway(module_services: Services) -> Gateway:
    return module_services.gateway(
        "WebSocket.images_per_minute=30",  # one each 2 s, and 5 at once
        f"WebSocket.max_connections={MAX_CONNECTIONS}",
        f"RabbitMQ.max_pending={MAX_PENDING}",
        "RabbitMQ.result_queue=result_queue.limited",
    )


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def client(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, request.param) as connected:
        yield connected


def test_an_image_of_exactly_the_limit_goes_through(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    client.upload("r1", bytes(MIB))
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.hear_success("r1", "read")


@pytest.mark.parametrize("size", [MIB + 1, MIB * 5 // 4])
def test_a_larger_image_is_failed_with_the_limit_in_the_words_and_the_connection_lives(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, size: int
) -> None:
    client.upload("r1", bytes(size))
    assert str(MIB) in client.hear_failed("r1", "IMAGE_TOO_LARGE")["ErrorMessage"]
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.hear_success("r1", "read")


def test_a_frame_of_over_twice_the_limit_is_closed_with_1009_and_the_limit_in_the_reason(
    client: ForeignClientV2,
) -> None:
    with contextlib.suppress(ConnectionClosed):  # it may be closed before the whole frame is there
        client.upload("r1", bytes(4 * MIB))
    code, reason = client.hear_close()
    assert code == 1009
    assert str(MIB) in reason


def test_a_full_queue_refuses_with_retry_after_and_takes_images_again_when_there_is_room(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    refused = ""
    accepted = []
    for number in range(20 * MAX_PENDING):  # a quorum queue says no some messages late
        client.upload(f"r{number}")
        message = client.hear()
        if message["ResponseMessage"] == "FAILED":
            refused = f"r{number}"
            break
        accepted.append(f"r{number}")
    assert len(accepted) >= MAX_PENDING
    assert (message["RequestId"], message["ErrorCode"]) == (refused, "QUEUE_FULL")
    assert message["RetryAfter"] > 0
    for request_id in accepted:
        ocr_server.read(ocr_server.take_image_of(request_id), "read")
        client.hear_success(request_id, "read")

    def is_taken() -> bool:  # a quorum queue says yes a moment late, too
        client.upload(refused)
        message = client.hear()
        assert message["ResponseMessage"] == "PENDING" or message["ErrorCode"] == "QUEUE_FULL", message
        return bool(message["ResponseMessage"] == "PENDING")

    wait_until(is_taken, "there is room again")
    ocr_server.read(ocr_server.take_image_of(refused), "read after all")
    client.hear_success(refused, "read after all")


def rest(seconds: float) -> None:
    """Obey a RetryAfter, as a client does."""
    threading.Event().wait(seconds)


def test_who_sends_too_quickly_is_refused_and_accepted_after_the_time_it_is_told(
    limited_gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(limited_gateway.port) as client, ForeignClientV2(limited_gateway.port) as other:
        sent = 0
        while True:
            client.upload(f"r{sent}")
            message = client.hear()
            if message["ResponseMessage"] == "FAILED":
                break
            ocr_server.acknowledge(ocr_server.take_image_of(f"r{sent}"))
            sent += 1
        assert 1 <= sent <= 30
        assert (message["ErrorCode"], message["RequestId"]) == ("RATE_LIMITED", f"r{sent}")
        assert message["RetryAfter"] in (1, 2)
        assert isinstance(message["RetryAfter"], int), "a peer may have typed it as a whole number"
        other.upload("r1")  # a rate is one client's own
        other.hear_pending("r1")
        ocr_server.acknowledge(ocr_server.take_image_of("r1"))
        rest(message["RetryAfter"])
        client.upload(f"r{sent}")
        client.hear_pending(f"r{sent}")
        client.upload("next")
        client.hear_failed("next", "RATE_LIMITED", again=True)


def test_a_v1_client_that_sends_too_quickly_is_told_in_words(
    limited_gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClient(limited_gateway.port) as client:
        for _ in range(30):
            client.upload("a.png", NO_IMAGE)
            message = client.hear()
            assert set(message) == {"ResponseMessage", "ImageFileName", "OcrResult"}
            if message["ResponseMessage"] == "FAILED":
                break
            ocr_server.acknowledge(ocr_server.take_image())
        assert message["ResponseMessage"] == "FAILED"
        assert re.search(r"\d", message["OcrResult"]), "it says when the next may come"


def test_over_max_connections_a_client_is_closed_with_1013_and_when_to_come_again(limited_gateway: Gateway) -> None:
    with contextlib.ExitStack() as stack:

        def let_in() -> bool:  # connections of an earlier test may still count
            connection = ForeignClientV2(limited_gateway.port, says_hello=False)
            try:
                connection.hello()
            except ConnectionClosed:
                connection.close()
                return False
            stack.enter_context(connection)
            return True

        for _ in range(MAX_CONNECTIONS):
            wait_until(let_in, "the gateway lets a client in")
        for subprotocol in (*SUBPROTOCOLS, ()):
            with ForeignClientV2(limited_gateway.port, subprotocol, says_hello=False) as one_too_many:
                code, reason = one_too_many.hear_close()
            assert code == 1013
            assert re.search(r"; RetryAfter=[1-9]\d*$", reason), reason
