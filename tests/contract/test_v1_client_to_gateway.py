"""Between a v1 client and our gateway; the OCR server is a foreign one that the test plays itself."""

import base64
import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pika
import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import ForeignClient, ForeignOcrServer
from tests.running import Gateway, Services, wait_until

UUID_FORMAT = re.compile(r"(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway()


@pytest.fixture
def ocr_server(gateway: Gateway, broker: PrivateBroker) -> Iterator[ForeignOcrServer]:
    with ForeignOcrServer(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture
def client(gateway: Gateway) -> Iterator[ForeignClient]:
    with ForeignClient(gateway.port) as connected:
        yield connected


def test_the_hello_is_answered_with_a_client_uuid_in_local_time_and_nothing_else(gateway: Gateway) -> None:
    before = datetime.now().replace(microsecond=0)
    with ForeignClient(gateway.port, name=None) as client:
        client.say({"ClientName": "王小明"})
        message = client.hear()
    assert set(message) == {"ClientUUID"}
    parts = UUID_FORMAT.fullmatch(message["ClientUUID"])
    assert parts is not None, message
    given = datetime.fromisoformat("{} {}:{}:{}".format(*parts.groups()))
    assert before <= given <= datetime.now() + timedelta(seconds=1)
    assert uuid.UUID(parts[5]).version == 4


def test_every_connection_gets_a_client_uuid_of_its_own(gateway: Gateway) -> None:
    with ForeignClient(gateway.port, "same name") as one, ForeignClient(gateway.port, "same name") as other:
        assert one.client_uuid != other.client_uuid


def test_an_image_is_pending_and_then_read(client: ForeignClient, ocr_server: ForeignOcrServer) -> None:
    client.upload("圖 1.png", NO_IMAGE)
    image = ocr_server.take_image()
    client.hear_pending("圖 1.png")
    ocr_server.answer(image, "Hello\n")
    assert client.hear_text("圖 1.png") == "Hello\n"


def test_the_image_reaches_the_queue_with_exactly_the_four_keys_of_v1(
    client: ForeignClient, ocr_server: ForeignOcrServer
) -> None:
    client.upload("a.png", NO_IMAGE)
    assert ocr_server.take_image().message() == {
        "ClientUUID": client.client_uuid,
        "ImageFileName": "a.png",
        "ImageBase64Data": base64.b64encode(NO_IMAGE).decode(),
        "OcrResult": "",
    }


def test_a_client_that_sends_one_after_another_gets_each_answer(
    client: ForeignClient, ocr_server: ForeignOcrServer
) -> None:
    for number in range(5):
        client.upload("same name.png", NO_IMAGE)
        image = ocr_server.take_image()
        client.hear_pending("same name.png")
        ocr_server.answer(image, f"text {number}")
        assert client.hear_text("same name.png") == f"text {number}"


@pytest.mark.parametrize("correlated", [False, True])
def test_ten_at_once_get_their_own_answers_when_they_come_out_of_order(
    client: ForeignClient, ocr_server: ForeignOcrServer, correlated: bool
) -> None:
    names = [f"{number}.png" for number in range(10)]
    for name in names:
        client.upload(name, NO_IMAGE)
    images = [ocr_server.take_image() for _ in names]
    for image in reversed(images):
        ocr_server.answer(image, f"text of {image.message()['ImageFileName']}", correlated=correlated)
    messages = [client.hear() for _ in range(20)]
    assert all(set(message) == {"ResponseMessage", "ImageFileName", "OcrResult"} for message in messages)
    for name in names:
        told = [(message["ResponseMessage"], message["OcrResult"]) for message in messages_of(name, messages)]
        assert told == [("PENDING", "尚未得到OCR結果"), ("SUCCESS", f"text of {name}")]


def messages_of(name: str, messages: list[dict[str, str]]) -> list[dict[str, str]]:
    return [message for message in messages if message["ImageFileName"] == name]


def test_answers_without_correlation_id_go_to_the_oldest_image_of_that_name_first(
    client: ForeignClient, ocr_server: ForeignOcrServer
) -> None:
    images = []
    for _ in range(3):
        client.upload("same name.png", NO_IMAGE)
        client.hear_pending("same name.png")
        images.append(ocr_server.take_image())
    for number, image in enumerate(images):
        ocr_server.answer(image, f"text {number}")
    assert [client.hear_text("same name.png") for _ in images] == ["text 0", "text 1", "text 2"]


def test_a_result_that_overtakes_its_confirm_still_comes_after_pending(
    client: ForeignClient, ocr_server: ForeignOcrServer
) -> None:
    for _ in range(10):
        for number in range(20):
            client.upload(f"{number}.png", NO_IMAGE)
        for _ in range(20):
            ocr_server.answer(ocr_server.take_image(), "at once")
        messages = [client.hear() for _ in range(40)]
        for number in range(20):
            told = [message["ResponseMessage"] for message in messages_of(f"{number}.png", messages)]
            assert told == ["PENDING", "SUCCESS"]


@pytest.mark.parametrize("correlated", [False, True])
def test_a_duplicated_answer_is_one_final_answer(
    client: ForeignClient, ocr_server: ForeignOcrServer, correlated: bool
) -> None:
    client.upload("twice.png", NO_IMAGE)
    client.hear_pending("twice.png")
    image = ocr_server.take_image()
    ocr_server.result(image, "once", correlated=correlated)
    ocr_server.answer(image, "once", correlated=correlated)
    assert client.hear_text("twice.png") == "once"
    client.upload("next.png", NO_IMAGE)  # its answer is behind the duplicate in the queue
    client.hear_pending("next.png")
    ocr_server.answer(ocr_server.take_image(), "next", correlated=correlated)
    assert client.hear_text("next.png") == "next"


def test_a_duplicated_answer_is_never_taken_for_the_answer_of_the_next_image_of_that_name(
    client: ForeignClient, ocr_server: ForeignOcrServer
) -> None:
    for _ in range(2):
        client.upload("same name.png", NO_IMAGE)
        client.hear_pending("same name.png")
    first, second = ocr_server.take_image(), ocr_server.take_image()
    ocr_server.result(first, "first", correlated=True)
    ocr_server.answer(first, "first", correlated=True)
    ocr_server.answer(second, "second", correlated=True)
    assert [client.hear_text("same name.png") for _ in range(2)] == ["first", "second"]


def test_two_clients_with_images_of_the_same_name_each_get_their_own(
    gateway: Gateway, ocr_server: ForeignOcrServer
) -> None:
    with ForeignClient(gateway.port) as one, ForeignClient(gateway.port) as other:
        for client in (one, other):
            client.upload("same name.png", NO_IMAGE)
            client.hear_pending("same name.png")
        for image in (ocr_server.take_image(), ocr_server.take_image()):
            ocr_server.answer(image, f"for {image.message()['ClientUUID']}")
        for client in (one, other):
            assert client.hear_text("same name.png") == f"for {client.client_uuid}"


@pytest.mark.parametrize("text", ["", "  two spaces, two lines\n\n", '多行\n文字 "quoted" \\ \t\n', "\U0001f600"])
def test_the_text_arrives_as_the_ocr_server_gave_it(
    client: ForeignClient, ocr_server: ForeignOcrServer, text: str
) -> None:
    client.upload("a.png", NO_IMAGE)
    client.hear_pending("a.png")
    ocr_server.answer(ocr_server.take_image(), text)
    assert client.hear_text("a.png") == text


def test_a_failure_from_an_ocr_server_is_failed_with_the_three_keys(
    client: ForeignClient, ocr_server: ForeignOcrServer
) -> None:
    client.upload("a.png", NO_IMAGE)
    client.hear_pending("a.png")
    image = ocr_server.take_image()
    failure = {"ClientUUID": client.client_uuid, "ImageFileName": "a.png", "OcrResult": ""}
    failure |= {"ErrorCode": "UNSUPPORTED_IMAGE", "ErrorMessage": "This is no image."}
    ocr_server.publish("result_queue", failure, pika.BasicProperties(correlation_id=image.properties.message_id))
    ocr_server.acknowledge(image)
    client.hear_failed("a.png")


def test_keys_of_an_answer_that_the_gateway_does_not_know_are_ignored(
    client: ForeignClient, ocr_server: ForeignOcrServer
) -> None:
    client.upload("a.png", NO_IMAGE)
    client.hear_pending("a.png")
    image = ocr_server.take_image()
    ocr_server.publish("result_queue", image.message() | {"OcrResult": "read", "Colour": "blue"})
    ocr_server.acknowledge(image)
    assert client.hear_text("a.png") == "read"


def test_answers_for_a_client_that_is_gone_are_acknowledged_and_dropped(
    gateway: Gateway, ocr_server: ForeignOcrServer, broker: PrivateBroker
) -> None:
    with ForeignClient(gateway.port) as leaving:
        leaving.upload("late.png", NO_IMAGE)
        leaving.hear_pending("late.png")
        image = ocr_server.take_image()
    ocr_server.answer(image, "too late", correlated=True)
    never_known = {"ClientUUID": "2020-01-01-00-00-00-" + str(uuid.uuid4()), "ImageFileName": "x", "OcrResult": "y"}
    ocr_server.publish("result_queue", never_known)

    def result_queue_is_empty() -> bool:  # of unacknowledged messages too, which a declare does not count
        queues = broker.rabbitmqctl("list_queues", "--quiet", "--no-table-headers", "name", "messages")
        return ["result_queue", "0"] in [line.split() for line in queues.splitlines()]

    wait_until(result_queue_is_empty, "result_queue has neither waiting nor unacknowledged messages")


def test_a_second_hello_is_failed_and_the_first_stays_good(client: ForeignClient, ocr_server: ForeignOcrServer) -> None:
    client.say({"ClientName": "again"})
    client.hear_failed()
    client.upload("a.png", NO_IMAGE)
    client.hear_pending("a.png")
    ocr_server.answer(ocr_server.take_image(), "read")
    assert client.hear_text("a.png") == "read"


def test_an_upload_before_the_hello_is_failed_and_a_hello_still_works(
    gateway: Gateway, ocr_server: ForeignOcrServer
) -> None:
    with ForeignClient(gateway.port, name=None) as client:
        client.client_uuid = "2026-01-31-10-51-30-" + str(uuid.uuid4())
        client.upload("early.png", NO_IMAGE)
        client.hear_failed("early.png", "")
        client.hello()
        client.upload("a.png", NO_IMAGE)
        client.hear_pending("a.png")
        image = ocr_server.take_image()  # the early one never came this far
        assert image.message()["ImageFileName"] == "a.png"
        ocr_server.answer(image, "read")
        assert client.hear_text("a.png") == "read"
