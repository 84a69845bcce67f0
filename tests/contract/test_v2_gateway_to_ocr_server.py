"""Between a v2 gateway from elsewhere, which the test plays itself, and our OCR server."""

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest

from tests.contract.drawn_images import WORDS, drawn
from tests.contract.foreign_gateway_v2 import FAILURE_KEYS, SUCCESS_KEYS, V1_KEYS, ForeignGatewayV2
from tests.integration.pages import page_that_takes_a_while
from tests.running import Service, Services, ocr_processes, wait_until


@pytest.fixture(scope="module")
def server(tesseract: None, module_services: Services) -> Service:
    return module_services.ocr_server()


@pytest.fixture
def gateway(server: Service, module_services: Services) -> Iterator[ForeignGatewayV2]:
    with ForeignGatewayV2(module_services.broker_port) as foreign:
        foreign.channel.queue_purge("result_queue")
        yield foreign


def has_all_been_seen(gateway: ForeignGatewayV2) -> bool:
    return gateway.waiting("pending_queue") == 0


# Answers and progress


def test_an_answer_to_a_request_with_request_id_has_exactly_the_eight_keys(gateway: ForeignGatewayV2) -> None:
    gateway.ask("r-1", drawn())
    answer = gateway.take_final()
    message = answer.message()
    assert set(message) == SUCCESS_KEYS
    assert (message["ClientUUID"], message["ImageFileName"]) == (gateway.client_uuid, "r-1.png")
    assert (message["RequestId"], message["OcrResult"]) == ("r-1", f"{WORDS}\n")
    assert 0 < message["Confidence"] <= 100
    assert message["ElapsedMs"] > 0
    assert message["ElapsedMs"] == round(message["ElapsedMs"], 1)
    assert (message["Outputs"], message["Steps"]) == ({}, ["border", "one line"])
    assert answer.properties.correlation_id == "id of r-1"
    assert answer.properties.content_type == "application/json"
    assert answer.properties.delivery_mode == 2


def test_a_failure_has_two_keys_more(gateway: ForeignGatewayV2) -> None:
    gateway.ask("r-2", b"This is text.")
    message = gateway.final("r-2")
    assert set(message) == FAILURE_KEYS
    assert (message["OcrResult"], message["ErrorCode"], message["Confidence"]) == ("", "UNSUPPORTED_IMAGE", None)
    assert message["ErrorMessage"].strip()


def test_without_words_there_is_no_confidence(gateway: ForeignGatewayV2) -> None:
    gateway.ask("r-3", drawn(" "))
    message = gateway.final("r-3")
    assert (message["OcrResult"].strip(), message["Confidence"]) == ("", None)


def test_between_two_v2_requests_a_v1_request_is_answered_with_three_keys_and_without_progress(
    gateway: ForeignGatewayV2,
) -> None:
    gateway.ask("r-4", drawn())
    gateway.send("v1.png", drawn())
    gateway.ask("r-5", drawn())
    heard: list[dict[str, Any]] = []
    while sum("OcrResult" in message for message in heard) < 3:
        heard.append(gateway.take_answer().message())
    (of_v1,) = (message for message in heard if message["ImageFileName"] == "v1.png")
    assert set(of_v1) == V1_KEYS


@pytest.mark.parametrize("reply_to", [None, "answers of a v2 gateway"])
def test_processing_is_said_once_where_the_answer_goes_and_before_it(
    gateway: ForeignGatewayV2, reply_to: str | None
) -> None:
    queue = reply_to or "result_queue"
    if reply_to:
        gateway.channel.queue_declare(reply_to, exclusive=True)
    gateway.ask("r-6", page_that_takes_a_while(), reply_to=reply_to)
    progress = gateway.take_answer(queue)
    assert progress.message() == {
        "ClientUUID": gateway.client_uuid,
        "ImageFileName": "r-6.png",
        "RequestId": "r-6",
        "Status": "PROCESSING",
    }
    assert progress.properties.content_type == "application/json"
    assert (progress.properties.delivery_mode, progress.properties.correlation_id) == (2, "id of r-6")
    assert gateway.take_answer(queue).message()["OcrResult"].startswith("Line 1 ")
    assert gateway.waiting("result_queue") == 0


def test_progress_that_nobody_can_take_keeps_no_image_from_being_read(gateway: ForeignGatewayV2) -> None:
    gateway.ask("lost", drawn(), reply_to="there is no such queue")
    gateway.ask("r-7", drawn())
    assert gateway.final("r-7")["OcrResult"] == f"{WORDS}\n"


def test_an_answer_waits_for_the_queue_of_a_gateway_that_is_away_for_the_moment(
    gateway: ForeignGatewayV2, server: Service
) -> None:
    queue = "answers of a gateway that is away"
    gateway.ask("away", drawn(), timestamp=int(time.time()), reply_to=queue)
    server.wait_for_output(f"the queue {queue} that wants the answer is gone; the image will come again")
    gateway.channel.queue_declare(queue, exclusive=True)
    message = gateway.take_final(queue).message()
    assert (message["RequestId"], message["OcrResult"]) == ("away", f"{WORDS}\n")
    wait_until(lambda: has_all_been_seen(gateway), "the image is acknowledged")


NOW = time.time()
TOO_OLD_OR_NO_TIME = {"for long": NOW - 11 * 60, "by another clock": NOW + 3600, "in milliseconds": 1000 * NOW}


@pytest.mark.parametrize("kind", TOO_OLD_OR_NO_TIME)
def test_an_answer_whose_queue_has_been_missing_for_long_is_dropped(
    kind: str, gateway: ForeignGatewayV2, server: Service
) -> None:
    queue = f"answers of a gateway that has gone, {kind}"
    gateway.ask("gone", drawn(), timestamp=int(TOO_OLD_OR_NO_TIME[kind]), reply_to=queue)
    server.wait_for_output(f"the queue {queue} that wants the answer is gone; the answer is dropped")
    assert f"the queue {queue} that wants the answer is gone; the image" not in server.output()
    gateway.ask("next", drawn())
    assert gateway.final("next")["OcrResult"] == f"{WORDS}\n"


def test_a_raw_body_has_request_id_and_options_in_its_headers(gateway: ForeignGatewayV2) -> None:
    headers = {
        "ClientUUID": gateway.client_uuid,
        "ImageFileName": "raw.png",
        "RequestId": "r-8",
        "Options": '{"Preprocess": "none"}',
    }
    properties = pika.BasicProperties(
        content_type="application/octet-stream", headers=headers, message_id="id of r-8", delivery_mode=2
    )
    gateway.publish("pending_queue", drawn(), properties)
    message = gateway.final("r-8")
    assert set(message) == SUCCESS_KEYS
    assert (message["OcrResult"], message["Steps"]) == (f"{WORDS}\n", [])


# Options


def test_options_are_obeyed(gateway: ForeignGatewayV2) -> None:
    gateway.ask("plain", drawn(), options={"Preprocess": "none", "PageSegMode": 7, "Languages": ["eng"]})
    assert (message := gateway.final("plain"))["Steps"] == []
    assert message["OcrResult"] == f"{WORDS}\n"
    gateway.ask("layout only", drawn(), options={"PageSegMode": 0})
    assert gateway.final("layout only")["OcrResult"] == ""


def test_the_choice_of_languages_may_be_left_to_the_server_though_auto_is_not_in_the_welcome(
    gateway: ForeignGatewayV2,
) -> None:
    gateway.ask("auto", drawn(), options={"Languages": ["auto"], "Preprocess": "none"})
    assert (message := gateway.final("auto"))["Steps"] == ["languages eng"]
    assert message["OcrResult"] == f"{WORDS}\n"


def test_every_output_is_made_of_one_recognition(gateway: ForeignGatewayV2) -> None:
    gateway.ask("all", drawn(), options={"Outputs": ["words", "tsv", "hocr", "alto", "pdf"]})
    message = gateway.final("all")
    assert message["OcrResult"] == f"{WORDS}\n"
    outputs = message["Outputs"]
    assert list(outputs) == ["words", "tsv", "hocr", "alto", "pdf"]
    assert " ".join(word["Text"] for word in outputs["words"]) == WORDS
    for name in ("tsv", "hocr", "alto"):
        assert all(word in outputs[name] for word in WORDS.split())
    assert base64.b64decode(outputs["pdf"], validate=True).startswith(b"%PDF-1.")


BAD_OPTIONS: dict[str, tuple[Any, list[str]]] = {
    "unknown": ({"Colour": "blue"}, ["Colour", "blue", "PageSegMode"]),
    "mode": ({"PageSegMode": 14}, ["PageSegMode", "14", "13"]),
    "mode as text": ({"PageSegMode": "3"}, ["PageSegMode"]),
    "language": ({"Languages": ["eng", "xyz"]}, ["Languages", "xyz", "eng", "tesseract-ocr-xyz"]),
    "a path": ({"Languages": ["../../etc/passwd"]}, ["Languages", "eng"]),
    "auto and another": ({"Languages": ["auto", "eng"]}, ["Languages", "auto", "stands alone"]),
    "no language": ({"Languages": []}, ["Languages"]),
    "output": ({"Outputs": ["pdf", "docx"]}, ["Outputs", "docx", "words, tsv, hocr, alto, pdf"]),
    "preprocess": ({"Preprocess": "strong"}, ["Preprocess", "strong", "auto"]),
}


@pytest.mark.parametrize(("options", "named"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_a_bad_option_is_failed_with_its_name_its_value_and_what_is_allowed(
    gateway: ForeignGatewayV2, server: Service, options: Any, named: list[str]
) -> None:
    before = ocr_processes(server)
    gateway.ask("bad", drawn(), options=options)
    message = gateway.final("bad")
    assert set(message) == FAILURE_KEYS
    assert message["ErrorCode"] == "BAD_OPTION"
    for part in named:
        assert part in message["ErrorMessage"]
    gateway.ask("good", drawn())
    assert gateway.final("good")["OcrResult"] == f"{WORDS}\n"
    assert ocr_processes(server) == before


# Cancellation


@pytest.fixture
def queued(gateway: ForeignGatewayV2, server: Service) -> Iterator[Callable[..., None]]:
    """Asks for an image that waits, while the one process is busy with a page."""
    taken = server.output().count("image taken: busy.png")
    gateway.ask("busy", page_that_takes_a_while(), client_uuid="a busy client")
    server.wait_for_output("image taken: busy.png", taken + 1)
    yield gateway.ask
    wait_until(lambda: has_all_been_seen(gateway), "pending_queue is empty")


def finals(gateway: ForeignGatewayV2, count: int) -> list[str]:
    """RequestIds of the next answers, that of the busy page left out."""
    return [request_id for _ in range(count + 1) if (request_id := _next_id(gateway)) != "busy"]


def _next_id(gateway: ForeignGatewayV2) -> str:
    return str(gateway.take_final().message()["RequestId"])


def test_of_a_client_is_skipped_what_it_sent_until_it_left(
    gateway: ForeignGatewayV2, server: Service, queued: Callable[..., None]
) -> None:
    queued("before", drawn(), client_uuid="leaver", timestamp=1000)
    queued("untimed", drawn(), client_uuid="leaver")
    queued("after", drawn(), client_uuid="leaver", timestamp=1001)
    queued("other", drawn(), client_uuid="stayer", timestamp=1000)
    gateway.cancel({"Cancel": {"ClientUUID": "leaver"}}, timestamp=1000)
    assert sorted(finals(gateway, 2)) == ["after", "other"]  # what goes back to the queue may change places
    for name in ("before", "untimed"):
        server.wait_for_output(f"image skipped: {name}.png of leaver is cancelled")


def test_one_request_is_skipped_and_no_other_one(
    gateway: ForeignGatewayV2, server: Service, queued: Callable[..., None]
) -> None:
    for request_id in ("one", "two", "three"):
        queued(request_id, drawn(), timestamp=int(time.time()) + 60)
    gateway.cancel({"Cancel": {"ClientUUID": gateway.client_uuid, "RequestId": "two"}})
    assert sorted(finals(gateway, 2)) == ["one", "three"]
    server.wait_for_output("image skipped: two.png")


def test_without_a_timestamp_a_cancellation_is_of_now(gateway: ForeignGatewayV2, queued: Callable[..., None]) -> None:
    now = int(time.time())
    queued("before", drawn(), client_uuid="leaver 2", timestamp=now - 5)
    queued("after", drawn(), client_uuid="leaver 2", timestamp=now + 60)
    gateway.cancel({"Cancel": {"ClientUUID": "leaver 2"}})
    assert finals(gateway, 1) == ["after"]


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[]", {"Cancel": 5}, {"Cancel": {}}, {"Other": "news"}], ids=str)
def test_what_is_no_cancellation_cancels_nothing(gateway: ForeignGatewayV2, body: dict[str, Any] | bytes) -> None:
    gateway.cancel(body)
    gateway.ask("r-9", drawn())
    assert gateway.final("r-9")["OcrResult"] == f"{WORDS}\n"


# Odd messages


NO_TEXT: Any = b"\xff\xfe"
"""No UTF-8: AMQP allows any bytes in the properties that are text by custom."""


@pytest.mark.parametrize("name", ["message_id", "reply_to", "content_type", "correlation_id", "type"])
def test_properties_that_are_no_text_keep_no_image_from_being_read(
    gateway: ForeignGatewayV2, server: Service, name: str
) -> None:
    before = ocr_processes(server)
    body = gateway.body_of("odd.png", drawn()) | {"RequestId": "odd"}
    gateway.publish("pending_queue", body, pika.BasicProperties(**{name: NO_TEXT}))
    assert gateway.take_final().message()["OcrResult"] == f"{WORDS}\n"
    assert ocr_processes(server) == before
