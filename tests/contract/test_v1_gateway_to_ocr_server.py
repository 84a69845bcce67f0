"""Between a v1 gateway from elsewhere, which the test plays itself, and our OCR server."""

from collections.abc import Iterator

import pika
import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import WORDS, drawn
from tests.contract.foreign_peers import ForeignGateway
from tests.running import Services

pytestmark = pytest.mark.usefixtures("ocr_server")


@pytest.fixture(scope="module")
def ocr_server(tesseract: None, module_services: Services) -> None:
    module_services.ocr_server(processes=2)


@pytest.fixture
def gateway(ocr_server: None, broker: PrivateBroker) -> Iterator[ForeignGateway]:
    with ForeignGateway(broker.port) as foreign:
        foreign.channel.queue_purge("result_queue")
        yield foreign


def test_a_gateway_that_sets_no_properties_gets_its_answer_in_result_queue(gateway: ForeignGateway) -> None:
    gateway.send("hello.png", drawn())
    answer = gateway.take_answer()
    assert answer.message() == {
        "ClientUUID": gateway.client_uuid,
        "ImageFileName": "hello.png",
        "OcrResult": f"{WORDS}\n",  # as the engine gives it: its line end stays, the form feed does not
    }
    assert answer.properties.correlation_id is None


def test_the_answer_has_exactly_the_three_keys_of_v1_and_is_persistent_json(gateway: ForeignGateway) -> None:
    gateway.send("hello.png", drawn(), pika.BasicProperties(message_id="m-1", delivery_mode=2))
    answer = gateway.take_answer()
    assert set(answer.message()) == {"ClientUUID", "ImageFileName", "OcrResult"}
    assert answer.properties.correlation_id == "m-1"
    assert answer.properties.content_type == "application/json"
    assert answer.properties.delivery_mode == 2


def test_the_answer_goes_to_reply_to_where_there_is_one(gateway: ForeignGateway, broker: PrivateBroker) -> None:
    gateway.channel.queue_declare("answers of another gateway", exclusive=True)
    gateway.send("hello.png", drawn(), pika.BasicProperties(reply_to="answers of another gateway", message_id="m-2"))
    answer = gateway.take_answer("answers of another gateway")
    assert answer.message()["OcrResult"] == f"{WORDS}\n"
    assert answer.properties.correlation_id == "m-2"
    assert gateway.waiting("result_queue") == 0


def test_a_reply_to_without_a_message_id_is_enough(gateway: ForeignGateway) -> None:
    gateway.channel.queue_declare("answers without ids", exclusive=True)
    gateway.send("hello.png", drawn(), pika.BasicProperties(reply_to="answers without ids"))
    answer = gateway.take_answer("answers without ids")
    assert set(answer.message()) == {"ClientUUID", "ImageFileName", "OcrResult"}
    assert answer.properties.correlation_id is None


def test_ten_images_at_once_each_get_the_answer_with_their_name_and_id(gateway: ForeignGateway) -> None:
    for number in range(10):
        properties = pika.BasicProperties(message_id=f"id of {number}.png")
        gateway.send(f"{number}.png", drawn(f"Number {number}"), properties)
    answers = [gateway.take_answer() for _ in range(10)]
    texts = {answer.message()["ImageFileName"]: answer.message()["OcrResult"] for answer in answers}
    assert texts == {f"{number}.png": f"Number {number}\n" for number in range(10)}
    assert all(answer.properties.correlation_id == f"id of {name_of(answer.message())}" for answer in answers)


def name_of(answer: dict[str, str]) -> str:
    return answer["ImageFileName"]


def test_an_image_without_words_is_an_empty_text_and_no_failure(gateway: ForeignGateway) -> None:
    gateway.send("blank.png", drawn(" "))
    answer = gateway.take_answer().message()
    assert set(answer) == {"ClientUUID", "ImageFileName", "OcrResult"}
    assert answer["OcrResult"].strip() == ""


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_the_usual_formats_are_read_whatever_the_name_says(gateway: ForeignGateway, image_format: str) -> None:
    gateway.send("scan.dat", drawn(image_format=image_format))
    assert gateway.take_answer().message()["OcrResult"].strip() == WORDS


def test_a_failure_has_an_empty_text_and_says_code_and_message(gateway: ForeignGateway) -> None:
    gateway.send("note.png", b"This is text, whatever its name says.", pika.BasicProperties(message_id="m-3"))
    answer = gateway.take_answer()
    message = answer.message()
    assert set(message) == {"ClientUUID", "ImageFileName", "OcrResult", "ErrorCode", "ErrorMessage"}
    assert (message["ClientUUID"], message["ImageFileName"]) == (gateway.client_uuid, "note.png")
    assert (message["OcrResult"], message["ErrorCode"]) == ("", "UNSUPPORTED_IMAGE")
    assert message["ErrorMessage"].strip()
    assert answer.properties.correlation_id == "m-3"


def test_keys_of_a_request_that_the_ocr_server_does_not_know_are_ignored(gateway: ForeignGateway) -> None:
    gateway.publish("pending_queue", gateway.body_of("hello.png", drawn()) | {"Colour": "blue", "Number": 7})
    answer = gateway.take_answer().message()
    assert set(answer) == {"ClientUUID", "ImageFileName", "OcrResult"}
    assert answer["OcrResult"] == f"{WORDS}\n"
