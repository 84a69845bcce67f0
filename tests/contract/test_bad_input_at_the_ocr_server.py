"""Bad input at the OCR server's door: answered or put aside, and the next image is read as if nothing had been."""

import json
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import WORDS, drawn
from tests.contract.foreign_peers import ForeignClient, ForeignGateway
from tests.running import Gateway, Service, Services

FAILURE_KEYS = {"ClientUUID", "ImageFileName", "OcrResult", "ErrorCode", "ErrorMessage"}
MAX_PIXELS = 1_000_000


@pytest.fixture(scope="module")
def ocr_server(tesseract: None, module_services: Services) -> Service:
    return module_services.ocr_server(f"OCR.max_pixels={MAX_PIXELS}")


@pytest.fixture(scope="module")
def our_gateway(ocr_server: Service, module_services: Services) -> Gateway:
    return module_services.gateway("RabbitMQ.result_queue=result_queue.ours")


@pytest.fixture
def gateway(ocr_server: Service, broker: PrivateBroker) -> Iterator[ForeignGateway]:
    with ForeignGateway(broker.port) as foreign:
        foreign.channel.queue_purge("result_queue")
        yield foreign


@pytest.fixture(autouse=True)
def the_next_image_is_read(gateway: ForeignGateway, ocr_server: Service) -> Iterator[None]:
    yield
    gateway.send("good.png", drawn())
    answer = gateway.take_answer().message()
    assert (answer["ImageFileName"], answer["OcrResult"]) == ("good.png", f"{WORDS}\n")
    assert "Traceback" not in ocr_server.output()


def without(key: str) -> bytes:
    body = ForeignGateway.body_of("a.png", drawn())
    del body[key]
    return json.dumps(body).encode()


def with_value(key: str, value: object) -> bytes:
    return json.dumps(ForeignGateway.body_of("a.png", drawn()) | {key: value}).encode()


NO_REQUESTS = {
    "empty": b"",
    "not JSON": b"not JSON",
    "not UTF-8": b'{"ClientUUID": "\xff"}',
    "an image": drawn(),
    "array": b"[]",
    "null": b"null",
    "empty object": b"{}",
    "deeply nested": b"[" * 50_000,
    "no ClientUUID": without("ClientUUID"),
    "no ImageFileName": without("ImageFileName"),
    "ClientUUID is a number": with_value("ClientUUID", 5),
    "ImageFileName is null": with_value("ImageFileName", None),
}


@pytest.mark.parametrize("body", NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
def test_what_cannot_be_decoded_goes_to_the_dead_letter_queue_unchanged(
    gateway: ForeignGateway, broker: PrivateBroker, body: bytes
) -> None:
    gateway.publish("pending_queue", body)
    with ForeignGateway(broker.port) as operator:
        assert operator.take_and_acknowledge("dead_letter_queue").body == body


def a_bomb() -> bytes:
    """A small file with twice the pixels allowed."""
    return drawn(" " * (2 * MAX_PIXELS // (28 * 120)))


BAD_IMAGES: dict[str, tuple[bytes, str]] = {
    "0 bytes": (b"", "UNSUPPORTED_IMAGE"),
    "a text file": (b"/etc/passwd\n", "UNSUPPORTED_IMAGE"),
    "a web address": (b"http://127.0.0.1:9/a.png\n", "UNSUPPORTED_IMAGE"),
    "a truncated PNG": (drawn()[: len(drawn()) // 2], "UNSUPPORTED_IMAGE"),
    "the first bytes of a PNG": (drawn()[:20], "UNSUPPORTED_IMAGE"),
    "a truncated JPEG": (drawn(image_format="JPEG")[:300], "UNSUPPORTED_IMAGE"),
    "an SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "UNSUPPORTED_IMAGE"),
    "a PostScript program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "UNSUPPORTED_IMAGE"),
    "too many pixels": (a_bomb(), "IMAGE_TOO_LARGE"),
}


@pytest.mark.parametrize(("image", "code"), BAD_IMAGES.values(), ids=BAD_IMAGES.keys())
def test_a_bad_image_is_answered_with_its_error_code(gateway: ForeignGateway, image: bytes, code: str) -> None:
    gateway.send("picture.png", image, pika.BasicProperties(message_id="bad"))
    answer = gateway.take_answer()
    assert_failure(answer.message(), "picture.png", code)
    assert answer.properties.correlation_id == "bad"


@pytest.mark.parametrize("no_base64", ["this is no base64!", "QUJDR", "圖"])
def test_base64_that_is_none_is_answered_with_bad_base64(gateway: ForeignGateway, no_base64: str) -> None:
    gateway.publish("pending_queue", with_value("ImageBase64Data", no_base64))
    assert_failure(gateway.take_answer().message(), "a.png", "BAD_BASE64")


@pytest.mark.parametrize(
    "body",
    [without("ImageBase64Data"), with_value("ImageBase64Data", 5), with_value("ImageBase64Data", ["QQ=="])],
    ids=["absent", "a number", "an array"],
)
def test_a_request_that_says_who_asks_but_holds_no_image_is_answered(gateway: ForeignGateway, body: bytes) -> None:
    gateway.publish("pending_queue", body)
    assert_failure(gateway.take_answer().message(), "a.png", "BAD_MESSAGE")


def assert_failure(answer: dict[str, Any], name: str, code: str) -> None:
    assert set(answer) == FAILURE_KEYS
    assert (answer["ClientUUID"], answer["ImageFileName"]) == (ForeignGateway.client_uuid, name)
    assert (answer["OcrResult"], answer["ErrorCode"]) == ("", code)
    assert answer["ErrorMessage"].strip()


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a\nb.png", "\x00", "圖" * 255])
def test_a_name_is_only_a_name(gateway: ForeignGateway, name: str) -> None:
    gateway.send(name, drawn())
    answer = gateway.take_answer().message()
    assert (answer["ImageFileName"], answer["OcrResult"]) == (name, f"{WORDS}\n")


@pytest.mark.parametrize(
    "properties",
    [
        pika.BasicProperties(content_type="text/plain", content_encoding="gzip", type="odd", user_id=None),
        pika.BasicProperties(headers={"ClientUUID": 5, "ImageFileName": "other.png"}),
        pika.BasicProperties(headers={"x-death": "no", "nested": {"a": [1, None]}}),
        pika.BasicProperties(message_id="", correlation_id="not ours", priority=9, timestamp=2**40),
        pika.BasicProperties(reply_to=""),
    ],
    ids=["types", "headers named like ours", "headers", "ids", "empty reply_to"],
)
def test_odd_properties_do_not_keep_an_image_from_being_read(
    gateway: ForeignGateway, properties: pika.BasicProperties
) -> None:
    gateway.send("hello.png", drawn(), properties)
    assert gateway.take_answer().message()["OcrResult"] == f"{WORDS}\n"


class DeeplyNested(pika.BasicProperties):
    """Properties with tables in a table, deeper than Python calls itself, as no library would write them."""

    DEPTH = 3000

    def encode(self) -> list[bytes]:
        table = b""
        for _ in range(self.DEPTH):
            table = b"\x01aF" + len(table).to_bytes(4, "big") + table
        flags = self.FLAG_CONTENT_TYPE | self.FLAG_HEADERS | self.FLAG_MESSAGE_ID
        encoded = b"\x10application/json" + len(table).to_bytes(4, "big") + table + b"\x04deep"
        return [flags.to_bytes(2, "big"), encoded]


def test_tables_in_tables_in_the_headers_do_not_cost_the_ocr_server_its_connection(
    gateway: ForeignGateway, ocr_server: Service
) -> None:
    gateway.send("deep.png", drawn(), DeeplyNested())
    answer = gateway.take_answer()
    assert (answer.message()["ImageFileName"], answer.properties.correlation_id) == ("deep.png", "deep")
    assert "RecursionError" not in ocr_server.output()


def test_nor_do_those_of_a_cancellation(gateway: ForeignGateway, ocr_server: Service) -> None:
    gateway.channel.basic_publish("ocr.control", "", b"odd", DeeplyNested())
    ocr_server.wait_for_output("a message of ocr.control is not understood")
    assert "RecursionError" not in ocr_server.output()


def test_an_answer_that_nobody_can_take_does_not_stop_the_ocr_server(gateway: ForeignGateway) -> None:
    gateway.send("lost.png", drawn(), pika.BasicProperties(reply_to="there is no such queue", message_id="lost"))
    gateway.send("good.png", drawn())
    assert gateway.take_answer().message()["ImageFileName"] == "good.png"


@pytest.mark.parametrize("case", ["0 bytes", "a text file", "a truncated PNG", "too many pixels"])
def test_through_both_our_servers_a_bad_image_is_failed_with_the_three_keys(our_gateway: Gateway, case: str) -> None:
    with ForeignClient(our_gateway.port) as client:
        client.upload("picture.png", BAD_IMAGES[case][0])
        message = client.hear()
        if message["ResponseMessage"] == "PENDING":  # 0 bytes need not come that far
            message = client.hear()
        assert set(message) == {"ResponseMessage", "ImageFileName", "OcrResult"}
        assert (message["ResponseMessage"], message["ImageFileName"]) == ("FAILED", "picture.png")
        client.upload("good.png", drawn())
        client.hear_pending("good.png")
        assert client.hear_text("good.png") == f"{WORDS}\n"
