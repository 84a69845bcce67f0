"""`[RabbitMQ] body = raw`: between our own servers the image travels as its bytes."""

import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import WORDS, drawn
from tests.contract.foreign_peers import ForeignAmqpPeer, ForeignClient
from tests.running import Services

pytestmark = pytest.mark.usefixtures("tesseract")


def test_with_raw_bodies_the_queue_holds_the_images_bytes_and_the_client_notices_nothing(
    services: Services, broker: PrivateBroker
) -> None:
    gateway = services.gateway("RabbitMQ.body=raw")
    with ForeignClient(gateway.port) as client:
        client.upload("hello.png", drawn())
        client.hear_pending("hello.png")
        with ForeignAmqpPeer(broker.port) as onlooker:  # not acknowledged, so it goes back when this ends
            image = onlooker.take("pending_queue")
        assert image.body == drawn()
        assert image.properties.message_id
        assert image.properties.reply_to == "result_queue"
        assert (image.properties.headers or {})["ClientUUID"] == client.client_uuid
        assert (image.properties.headers or {})["ImageFileName"] == "hello.png"
        services.ocr_server("RabbitMQ.body=raw")
        assert client.hear_text("hello.png") == f"{WORDS}\n"
