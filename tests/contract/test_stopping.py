"""No process, consumer, port or temporary file outlives a stop."""

import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import NO_IMAGE, WORDS, drawn
from tests.contract.foreign_peers import ForeignAmqpPeer, ForeignClient, ForeignGateway, ForeignOcrServer
from tests.running import Services, free_port, http_status, wait_until


def test_a_stopped_gateway_says_1001_and_leaves_no_port_and_no_consumer(
    services: Services, broker: PrivateBroker
) -> None:
    gateway = services.gateway()
    with ForeignClient(gateway.port) as client, ForeignAmqpPeer(broker.port) as onlooker:
        assert onlooker.consumers("result_queue") == 1
        gateway.stop()  # exit code 0, no process, no temporary file
        assert client.hear_close()[0] == 1001
        assert http_status(gateway.port, "/healthz") is None
        wait_until(lambda: onlooker.consumers("result_queue") == 0, "result_queue has no consumer")


def test_a_gateway_that_is_stopped_still_delivers_what_is_in_hand(services: Services, broker: PrivateBroker) -> None:
    gateway = services.gateway()
    with ForeignClient(gateway.port) as client, ForeignOcrServer(broker.port) as ocr_server:
        client.upload("last.png", NO_IMAGE)
        client.hear_pending("last.png")
        image = ocr_server.take_image()
        gateway.process.terminate()
        ocr_server.answer(image, "in time")
        assert client.hear_text("last.png") == "in time"
        assert client.hear_close()[0] == 1001
    assert gateway.exit_code() == 0
    gateway.assert_nothing_is_left()


@pytest.mark.parametrize("processes", [1, 3])
def test_a_stopped_ocr_server_leaves_no_process_no_consumer_and_no_file(
    tesseract: None, services: Services, broker: PrivateBroker, processes: int
) -> None:
    server = services.ocr_server(processes=processes)
    with ForeignGateway(broker.port) as gateway:
        assert gateway.consumers("pending_queue") == processes
        gateway.send("hello.png", drawn())
        assert gateway.take_answer().message()["OcrResult"] == f"{WORDS}\n"
        server.stop()
        wait_until(lambda: gateway.consumers("pending_queue") == 0, "pending_queue has no consumer")
        assert gateway.waiting("pending_queue") == 0


def test_an_ocr_server_that_is_stopped_before_it_has_found_a_broker_leaves_nothing(
    tesseract: None, services: Services
) -> None:
    server = services.ocr_server(f"RabbitMQ.port={free_port()}", ready=False)
    server.wait_for_output("started")
    server.stop()
