"""Foreign peers that declare the queues themselves, non-durable and without arguments, as v1 peers elsewhere do."""

import pytest
from pika.exceptions import AMQPError
from private_broker import PrivateBroker

from tests.contract.drawn_images import NO_IMAGE, WORDS, drawn
from tests.contract.foreign_peers import ForeignAmqpPeer, ForeignClient, ForeignGateway, ForeignOcrServer
from tests.running import Services

TRANSIENT = "RabbitMQ.queue_type=transient"


def declare_as_foreign_peers_do(peer: ForeignAmqpPeer) -> None:
    for queue in ("pending_queue", "result_queue"):
        try:
            peer.channel.queue_declare(queue)
        except AMQPError as refusal:
            if "deprecated" in str(refusal):
                pytest.skip("this RabbitMQ (4.3 or later) refuses transient queues")
            raise


@pytest.mark.parametrize("foreign_first", [True, False])
def test_our_gateway_works_with_a_foreign_ocr_server_whoever_declares_first(
    services: Services, broker: PrivateBroker, foreign_first: bool
) -> None:
    with ForeignOcrServer(broker.port) as ocr_server:
        if foreign_first:
            declare_as_foreign_peers_do(ocr_server)
        gateway = services.gateway(TRANSIENT)
        declare_as_foreign_peers_do(ocr_server)
        with ForeignClient(gateway.port) as client:
            client.upload("a.png", NO_IMAGE)
            client.hear_pending("a.png")
            ocr_server.answer(ocr_server.take_image(), "read elsewhere")
            assert client.hear_text("a.png") == "read elsewhere"


@pytest.mark.parametrize("foreign_first", [True, False])
def test_our_ocr_server_works_with_a_foreign_gateway_whoever_declares_first(
    tesseract: None, services: Services, broker: PrivateBroker, foreign_first: bool
) -> None:
    with ForeignGateway(broker.port) as gateway:
        if foreign_first:
            declare_as_foreign_peers_do(gateway)
        services.ocr_server(TRANSIENT)
        declare_as_foreign_peers_do(gateway)
        gateway.send("hello.png", drawn())
        assert gateway.take_answer().message()["OcrResult"] == f"{WORDS}\n"
