"""Our OCR server when something goes wrong, seen by a v2 gateway from elsewhere; each test has a server of its own."""

import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from functools import partial

import pika
import pytest

from tests.contract.drawn_images import WORDS, drawn
from tests.contract.foreign_gateway_v2 import FAILURE_KEYS, ForeignGatewayV2
from tests.integration.pages import page_that_takes_a_while, page_that_takes_too_long
from tests.running import Services, free_port, http_status, ocr_processes, wait_until

pytestmark = pytest.mark.usefixtures("tesseract")


@pytest.fixture
def gateway(services: Services) -> Iterator[ForeignGatewayV2]:
    with ForeignGatewayV2(services.broker_port) as foreign:
        yield foreign


def test_an_ocr_server_announces_once_what_it_can_do(gateway: ForeignGatewayV2, services: Services) -> None:
    gateway.channel.exchange_declare("ocr.announce", "fanout", durable=True)
    gateway.channel.queue_declare("announcements", exclusive=True)
    gateway.channel.queue_bind("announcements", "ocr.announce")
    server = services.ocr_server(processes=2)
    announcement = gateway.take_answer("announcements").message()
    assert set(announcement) == {"Server", "Slots", "Languages", "Outputs", "Version"}
    assert announcement["Server"].endswith(f"-{server.process.pid}")
    assert (announcement["Slots"], announcement["Languages"][0]) == (2, "eng")
    assert announcement["Outputs"] == ["words", "tsv", "hocr", "alto", "pdf"]
    assert "osd" not in announcement["Languages"]
    assert gateway.waiting("announcements") == 0


@pytest.mark.parametrize("kind", ["fanout", "direct", "topic"])
def test_exchanges_of_somebody_else_s_are_used_as_they_are(
    gateway: ForeignGatewayV2, services: Services, kind: str
) -> None:
    for exchange in ("ocr.control", "ocr.announce"):
        gateway.channel.exchange_declare(exchange, kind, auto_delete=False)
    server = services.ocr_server()
    gateway.ask("r-1", drawn())
    assert gateway.final("r-1")["OcrResult"] == f"{WORDS}\n"
    gateway.cancel({"Cancel": {"ClientUUID": gateway.client_uuid, "RequestId": "r-2"}})
    gateway.ask("r-3", drawn())  # taken after the cancellation was heard, or at its side
    gateway.final("r-3")
    gateway.ask("r-2", drawn())
    server.wait_for_output("image skipped: r-2.png")


def test_deleted_exchanges_keep_no_image_from_being_read(gateway: ForeignGatewayV2, services: Services) -> None:
    services.ocr_server()
    for exchange in ("ocr.control", "ocr.announce"):
        gateway.channel.exchange_delete(exchange)
    for request_id in ("r-1", "r-2"):
        gateway.ask(request_id, drawn())
        assert gateway.final(request_id)["OcrResult"] == f"{WORDS}\n"


@pytest.mark.parametrize(("queue_type", "message_id"), [("quorum", "m-1"), ("classic", "m-1"), ("transient", None)])
def test_an_image_that_ends_its_process_each_time_is_answered(
    gateway: ForeignGatewayV2, services: Services, queue_type: str, message_id: str | None
) -> None:
    server = services.ocr_server(f"RabbitMQ.queue_type={queue_type}", "ProcessPool.max_attempts=2")
    body = gateway.body_of("poison", page_that_takes_a_while()) | {"RequestId": "poison"}
    gateway.publish("pending_queue", body, pika.BasicProperties(message_id=message_id))
    for attempt in (1, 2):
        server.wait_for_output("image taken: poison", times=attempt)
        os.kill(ocr_processes(server)[0], signal.SIGKILL)
    message = gateway.take_final().message()
    assert set(message) == FAILURE_KEYS
    assert (message["RequestId"], message["ErrorCode"]) == ("poison", "OCR_CRASHED")
    gateway.ask("good", drawn())
    assert gateway.final("good")["OcrResult"] == f"{WORDS}\n"


@pytest.mark.parametrize("queue_type", ["classic", "transient"])
def test_an_image_that_takes_too_long_is_answered(
    gateway: ForeignGatewayV2, services: Services, queue_type: str
) -> None:
    services.ocr_server(f"RabbitMQ.queue_type={queue_type}", "OCR.timeout=2")
    # Without preparation nearly all its time is the engine's, but for the decoding.
    gateway.ask("slow", page_that_takes_too_long(), options={"Preprocess": "none"})
    message = gateway.final("slow")
    assert message["ErrorCode"] == "OCR_TIMEOUT"
    assert "2 s" in message["ErrorMessage"]
    assert message["ElapsedMs"] >= 1600


def test_an_image_in_hand_is_answered_also_when_the_queue_is_deleted_meanwhile(
    gateway: ForeignGatewayV2, services: Services
) -> None:
    server = services.ocr_server()
    gateway.ask("page", page_that_takes_a_while())
    server.wait_for_output("image taken")
    gateway.channel.queue_delete("pending_queue")
    assert gateway.final("page")["OcrResult"].startswith("Line 1 ")
    server.wait_for_output("listening", times=2)
    gateway.ask("good", drawn())
    assert gateway.final("good")["OcrResult"] == f"{WORDS}\n"


def is_shown(port: int, name: str, value: float) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        return f"{name} {value:.1f}" in page.read().decode().splitlines()


def test_what_is_counted_is_shown(gateway: ForeignGatewayV2, services: Services) -> None:
    port = free_port()
    server = services.ocr_server(f"Metrics.port={port}")
    gateway.ask("r-1", drawn(), timestamp=int(time.time()))
    gateway.ask("r-2", b"no image")
    assert [gateway.final(request_id)["RequestId"] for request_id in ("r-1", "r-2")] == ["r-1", "r-2"]
    server.wait_for_output("answer queued", times=2)  # and acknowledged: none is read again
    os.kill(ocr_processes(server)[0], signal.SIGKILL)
    expected = {
        "ocr_images_taken_total": 2,
        'ocr_answers_total{outcome="SUCCESS"}': 1,
        'ocr_answers_total{outcome="UNSUPPORTED_IMAGE"}': 1,
        "ocr_queue_wait_seconds_count": 1,
        "ocr_read_seconds_count": 2,
        'ocr_process_restarts_total{reason="died"}': 1,
        "ocr_processes_connected": 1,
    }
    for name, value in expected.items():
        wait_until(partial(is_shown, port, name, value), f"{name} is {value}")
    assert http_status(port, "/") == 404


def test_a_port_for_metrics_that_is_taken_is_named(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = services.ocr_server(f"Metrics.port={port}", ready=False)
        assert server.exit_code() == 6
    assert f"port = {port}" in server.output()


@pytest.mark.parametrize("engine", ["tesserocr", "pytesseract"])
def test_both_engines_read_in_every_language_that_is_announced_and_tell_their_confidence(
    gateway: ForeignGatewayV2, services: Services, engine: str
) -> None:
    gateway.channel.exchange_declare("ocr.announce", "fanout", durable=True)
    gateway.channel.queue_declare("announcements", exclusive=True)
    gateway.channel.queue_bind("announcements", "ocr.announce")
    services.ocr_server(f"tesseract_location.engine={engine}")
    wait_until(lambda: gateway.waiting("announcements"), "the announcement is there")
    languages = gateway.channel.basic_get("announcements", auto_ack=True)[2]
    assert languages
    for language in json.loads(languages)["Languages"]:
        gateway.ask(language, drawn("2026"), options={"Languages": [language]})
        message = gateway.final(language)
        assert message["OcrResult"].strip() == "2026"
        assert 30 < message["Confidence"] <= 100
