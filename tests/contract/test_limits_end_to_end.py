"""Limits that need both our servers, or a gateway with settings or a broker of its own."""

import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import NO_IMAGE, WORDS, drawn_of_size
from tests.contract.foreign_peers import ForeignClient, ForeignOcrServer
from tests.running import Services, free_port, http_status, wait_until

TEN_MIB = 10 * 1024 * 1024
MAX_PENDING = 3


def test_by_default_an_image_of_ten_mib_is_read_and_a_larger_one_is_failed(tesseract: None, services: Services) -> None:
    gateway = services.gateway()
    services.ocr_server()
    with ForeignClient(gateway.port) as client:
        client.upload("large.png", drawn_of_size(TEN_MIB))
        client.hear_pending("large.png")
        assert client.hear_text("large.png") == f"{WORDS}\n"
        client.upload("too large.png", drawn_of_size(TEN_MIB + 1))
        client.hear_failed("too large.png", "")


@pytest.mark.parametrize("queue_type", ["quorum", "classic"])
def test_a_full_queue_is_failed_and_what_was_pending_is_answered(
    services: Services, broker: PrivateBroker, queue_type: str
) -> None:
    gateway = services.gateway(f"RabbitMQ.max_pending={MAX_PENDING}", f"RabbitMQ.queue_type={queue_type}")
    with ForeignClient(gateway.port) as client:
        accepted = 0
        while True:
            client.upload("a.png", NO_IMAGE)
            message = client.hear()
            if message["ResponseMessage"] == "FAILED":
                break
            accepted += 1
            assert accepted <= MAX_PENDING + 5, "the queue has no bound (a quorum queue may notice it a little late)"
        assert set(message) == {"ResponseMessage", "ImageFileName", "OcrResult"}
        assert message["ImageFileName"] == "a.png"
        assert accepted >= MAX_PENDING
        with ForeignOcrServer(broker.port) as ocr_server:
            for number in range(accepted):
                ocr_server.answer(ocr_server.take_image(), f"text {number}")
            assert [client.hear_text("a.png") for _ in range(accepted)] == [f"text {n}" for n in range(accepted)]

            def is_taken() -> bool:  # a quorum queue says yes a moment late, too
                client.upload("after.png", NO_IMAGE)
                return bool(client.hear()["ResponseMessage"] == "PENDING")

            wait_until(is_taken, "there is room again")
            ocr_server.answer(ocr_server.take_image(), "read")
            assert client.hear_text("after.png") == "read"


def test_without_a_broker_the_gateway_lives_is_not_ready_and_fails_uploads(services: Services) -> None:
    gateway = services.gateway(f"RabbitMQ.port={free_port()}", ready=False)
    gateway.wait_for(lambda: http_status(gateway.port, "/healthz") == 200, "GET /healthz is 200")
    assert http_status(gateway.port, "/readyz") == 503
    with ForeignClient(gateway.port) as client:
        client.upload("a.png", NO_IMAGE)
        client.hear_failed("a.png")
    gateway.stop()


def test_with_a_broker_the_gateway_lives_and_is_ready(services: Services) -> None:
    gateway = services.gateway()
    assert http_status(gateway.port, "/healthz") == 200
    assert http_status(gateway.port, "/readyz") == 200
