"""What is too large, too many or too slow: the answer names the limit, and what is within it goes through."""

import base64
import contextlib
import json
import re
from collections.abc import Iterator

import pytest
from private_broker import PrivateBroker
from websockets.exceptions import ConnectionClosed

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import Delivery, ForeignClient, ForeignOcrServer
from tests.running import Gateway, Services, wait_until

MIB = 1024 * 1024
MAX_IN_FLIGHT = 2
MAX_CONNECTIONS = 4
ONE_MIB_IN_WORDS = re.compile(r"1048576|1[,.\u202f ]048[,.\u202f ]576|\b1(\.0+)? ?Mi?B")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway(
        f"WebSocket.max_image_bytes={MIB}",
        f"WebSocket.max_in_flight={MAX_IN_FLIGHT}",
        f"WebSocket.max_connections={MAX_CONNECTIONS}",
        "WebSocket.idle_timeout=2",
    )


@pytest.fixture
def ocr_server(gateway: Gateway, broker: PrivateBroker) -> Iterator[ForeignOcrServer]:
    with ForeignOcrServer(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


def connect(port: int) -> ForeignClient:
    """A client with its hello behind it; waits while connections of an earlier test still count."""
    connected: list[ForeignClient] = []

    def let_in() -> bool:
        client = ForeignClient(port, name=None)
        try:
            client.hello()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert closed.rcvd.code == 1013
            client.close()
            return False
        connected.append(client)
        return True

    wait_until(let_in, "the gateway lets a client in")
    return connected[0]


def test_an_image_of_exactly_the_limit_goes_through(gateway: Gateway, ocr_server: ForeignOcrServer) -> None:
    with connect(gateway.port) as client:
        client.upload("full.png", bytes(MIB))
        client.hear_pending("full.png")
        ocr_server.answer(ocr_server.take_image(), "read")
        assert client.hear_text("full.png") == "read"


def test_an_image_of_the_limit_goes_through_also_when_each_slash_of_its_base64_is_escaped(
    gateway: Gateway, ocr_server: ForeignOcrServer
) -> None:
    with connect(gateway.port) as client:
        image = b"\xff" * MIB
        upload = {
            "ClientUUID": client.client_uuid,
            "ImageFileName": "white.bmp",
            "ImageBase64Data": base64.b64encode(image).decode(),
        }
        client.say(json.dumps(upload).replace("/", "\\/"))
        client.hear_pending("white.bmp")
        ocr_server.answer(ocr_server.take_image(), "read")
        assert client.hear_text("white.bmp") == "read"


@pytest.mark.parametrize("size", [MIB + 1, MIB * 6 // 5])
def test_a_larger_image_is_failed_with_the_limit_in_the_words(
    gateway: Gateway, ocr_server: ForeignOcrServer, size: int
) -> None:
    with connect(gateway.port) as client:
        client.upload("large.png", bytes(size))
        assert ONE_MIB_IN_WORDS.search(client.hear_failed("large.png", ""))
        client.upload("small.png", NO_IMAGE)
        client.hear_pending("small.png")
        ocr_server.answer(ocr_server.take_image(), "read")
        assert client.hear_text("small.png") == "read"


@pytest.mark.parametrize("hello_first", [True, False])
def test_a_frame_of_over_twice_the_limit_is_closed_with_1009_and_the_limit_in_the_reason(
    gateway: Gateway, hello_first: bool
) -> None:
    with connect(gateway.port) if hello_first else ForeignClient(gateway.port, name=None) as client:
        with contextlib.suppress(ConnectionClosed):  # it may be closed before the whole frame is there
            client.upload("huge.png", bytes(3 * MIB))
        code, reason = client.hear_close()
    assert code == 1009
    assert re.search(r"\d", reason), reason


def test_a_client_that_sends_nothing_is_disconnected_with_4000(gateway: Gateway) -> None:
    with connect(gateway.port) as idle:
        assert idle.hear_close()[0] == 4000
    with ForeignClient(gateway.port, name=None) as silent:
        assert silent.hear_close()[0] == 4000


def test_a_client_that_waits_for_an_answer_is_not_idle_until_it_has_it(
    gateway: Gateway, ocr_server: ForeignOcrServer
) -> None:
    with connect(gateway.port) as waiting:
        waiting.upload("slow.png", NO_IMAGE)
        waiting.hear_pending("slow.png")
        image = ocr_server.take_image()
        for _ in range(2):  # as long as two others, one after the other, are idle
            with connect(gateway.port) as idle:
                assert idle.hear_close()[0] == 4000
        ocr_server.answer(image, "read")
        assert waiting.hear_text("slow.png") == "read"
        assert waiting.hear_close()[0] == 4000


def test_at_max_in_flight_the_gateway_reads_on_when_an_answer_has_gone_out(
    gateway: Gateway, ocr_server: ForeignOcrServer
) -> None:
    def take_image_of(client: ForeignClient) -> Delivery:
        image = ocr_server.take_image()
        assert image.message()["ClientUUID"] == client.client_uuid
        return image

    with connect(gateway.port) as eager, connect(gateway.port) as other:
        names = ["1.png", "2.png", "3.png", "4.png"]
        for name in names:
            eager.upload(name, NO_IMAGE)
        for name in names[:MAX_IN_FLIGHT]:
            eager.hear_pending(name)
        images = [take_image_of(eager) for _ in range(MAX_IN_FLIGHT)]
        other.upload("other.png", NO_IMAGE)
        other.hear_pending("other.png")
        ocr_server.answer(take_image_of(other), "read")  # and not the eager client's third, which was sent before
        assert other.hear_text("other.png") == "read"
        for name, later in zip(names, [*names[MAX_IN_FLIGHT:], None, None], strict=True):
            ocr_server.answer(images.pop(0), f"text of {name}")
            assert eager.hear_text(name) == f"text of {name}"
            if later is not None:
                eager.hear_pending(later)
                images.append(take_image_of(eager))


def test_a_connection_over_max_connections_is_closed_with_1013_until_another_leaves(gateway: Gateway) -> None:
    clients: list[ForeignClient] = []
    try:
        for _ in range(MAX_CONNECTIONS):
            clients.append(connect(gateway.port))
            clients[-1].upload("kept.png", NO_IMAGE)  # nobody reads it, so its client is not idle
            clients[-1].hear_pending("kept.png")
        with ForeignClient(gateway.port, name=None) as one_too_many:
            assert one_too_many.hear_close()[0] == 1013
        clients.pop().close()
        clients.append(connect(gateway.port))
    finally:
        for client in clients:
            client.close()
