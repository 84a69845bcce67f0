"""The messages of v2, key by key; the OCR server is a foreign one that the test plays itself."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pika
import pytest

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway()


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def client(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ForeignClientV2]:
    with ForeignClientV2(gateway.port, request.param) as connected:
        yield connected


def test_an_image_is_pending_then_processing_then_read(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    client.upload("r1", name="圖 1.png")
    client.hear_pending("r1", "圖 1.png")
    image = ocr_server.take_image()
    ocr_server.say(image, Status="PROCESSING")
    client.hear_pending("r1", "圖 1.png", kind="PROCESSING")
    ocr_server.read(image, "Hello\n")
    success = client.hear_success("r1", "Hello\n")
    assert success["ImageFileName"] == "圖 1.png"
    assert (success["Confidence"], success["ElapsedMs"]) == (91.5, 12.5)
    assert (success["Outputs"], success["Steps"]) == ({}, ["grey"])


def test_the_form_feed_at_the_end_goes_and_nothing_else(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image(), '  多行\n文字 "quoted" \\ \t\U0001f600\n\f')
    client.hear_success("r1", '  多行\n文字 "quoted" \\ \t\U0001f600\n')


def test_an_ocr_server_that_knows_v1_only_gives_a_success_with_all_keys(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.answer(ocr_server.take_image(), "read")
    success = client.hear_success("r1", "read")
    assert success["Confidence"] is None
    assert success["ElapsedMs"] is None
    assert (success["Outputs"], success["Steps"]) == ({}, [])


def test_a_page_without_words_has_no_confidence(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image(), "", Confidence=None)
    assert client.hear_success("r1", "")["Confidence"] is None


def test_outputs_arrive_as_they_are_and_bytes_as_the_codec_has_them(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    pdf = b"%PDF-1.7\n\x00\xff" + bytes(range(256))
    words = [{"Text": "Hello", "Box": [1, 2, 30, 40], "Confidence": 96.5}]
    outputs: dict[str, Any] = {"hocr": "<html>é</html>", "tsv": "1\t2\n", "words": words}
    client.upload("r1")
    client.hear_pending("r1")
    encoded = base64.b64encode(pdf).decode()
    ocr_server.read(ocr_server.take_image(), "Hello", Outputs=outputs | {"pdf": encoded})
    told = client.hear_success("r1", "Hello")["Outputs"]
    assert told.pop("pdf") == (encoded if client.subprotocol == "ocr.v2" else pdf)
    assert told == outputs


@pytest.mark.parametrize("content", ["YQ", "é", "not base64!", None, 7, ["YQ=="]])
def test_an_output_of_a_foreign_ocr_server_that_is_no_base64_costs_no_answer(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, content: Any
) -> None:
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image(), "Hello", Outputs={"pdf": content})
    assert client.hear_success("r1", "Hello")["Outputs"] == {"pdf": content}


def test_a_failure_has_code_and_sentence_and_says_whether_to_try_again(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for request_id, code, again in (
        ("r1", "UNSUPPORTED_IMAGE", False),
        ("r2", "INTERNAL", True),
        ("r3", "OTHER", False),
    ):
        client.upload(request_id)
        client.hear_pending(request_id)
        ocr_server.fail(ocr_server.take_image(), code, f"This is about {request_id}.")
        failed = client.hear_failed(request_id, code, again=again)
        assert f"This is about {request_id}." in failed["ErrorMessage"]
        assert f"This is about {request_id}." in failed["OcrResult"]
        assert failed["ImageFileName"] == "a.png"


def test_what_is_no_message_is_failed_without_a_request_and_the_connection_lives(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    for garbage in ("", "no message", "[1, 2]", "{", "null"):
        client.say(garbage if client.subprotocol == "ocr.v2" else garbage.encode())
        failed = client.hear_failed("", "BAD_MESSAGE")
        assert failed["ImageFileName"] == ""
    client.upload("r1")
    client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image(), "read")
    client.hear_success("r1", "read")


@pytest.mark.parametrize("options", [None, {}, {"Languages": ["eng", "chi_tra"], "PageSegMode": 6, "Colour": "é"}])
def test_the_image_reaches_the_queue_with_v1s_keys_request_id_and_options(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, options: dict[str, Any] | None
) -> None:
    before = int(time.time())
    keys: dict[str, Any] = {} if options is None else {"Options": options}
    client.upload("r1", **keys)
    client.hear_pending("r1")
    image = ocr_server.take_image()
    assert image.message() == {
        "ClientUUID": client.client_uuid,
        "ImageFileName": "a.png",
        "ImageBase64Data": base64.b64encode(NO_IMAGE).decode(),
        "OcrResult": "",
        "RequestId": "r1",
        "Options": options or {},
    }
    assert image.properties.content_type == "application/json"
    assert image.properties.delivery_mode == 2
    assert image.properties.message_id
    assert image.properties.reply_to == "result_queue"
    assert image.properties.expiration is None
    assert image.properties.timestamp is not None
    assert before <= image.properties.timestamp <= time.time() + 1


def test_keys_that_the_gateway_does_not_know_are_ignored(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1", Colour="blue", Nested={"a": [None]})
    client.hear_pending("r1")
    image = ocr_server.take_image()
    assert not {"Colour", "Nested"} & set(image.message())
    ocr_server.read(image, "read", Colour="blue")
    client.hear_success("r1", "read")


def test_a_v2_answer_to_a_v1_image_has_v1s_keys_only(gateway: Gateway, ocr_server: ForeignOcrServerV2) -> None:
    with ForeignClientV2(gateway.port, (), says_hello=False) as v1:
        v1.say({"ClientName": "v1"})
        uuid = v1.hear()["ClientUUID"]
        encoded = base64.b64encode(NO_IMAGE).decode()
        v1.say({"ClientUUID": uuid, "ImageFileName": "a.png", "ImageBase64Data": encoded})
        assert v1.hear()["ResponseMessage"] == "PENDING"
        image = ocr_server.take_image()
        assert set(image.message()) == {"ClientUUID", "ImageFileName", "ImageBase64Data", "OcrResult"}
        body = {"ClientUUID": uuid, "ImageFileName": "a.png", "OcrResult": "read", "Confidence": 1, "Outputs": {}}
        properties = pika.BasicProperties(correlation_id=image.properties.message_id)
        ocr_server.publish("result_queue", body, properties)
        ocr_server.acknowledge(image)
        assert v1.hear() == {"ResponseMessage": "SUCCESS", "ImageFileName": "a.png", "OcrResult": "read"}


@pytest.fixture(scope="module")
def raw_gateway(module_services: Services) -> Gateway:
    return module_services.gateway("RabbitMQ.body=raw", "RabbitMQ.result_queue=result_queue.raw")


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
def test_with_raw_bodies_the_rest_is_in_headers(raw_gateway: Gateway, broker: Broker, subprotocol: str) -> None:
    options = {"Languages": ["eng"], "PageSegMode": 6}
    with (
        ForeignClientV2(raw_gateway.port, subprotocol) as client,
        ForeignOcrServerV2(broker.port) as ocr_server,
    ):
        client.upload("r1", name="圖.png", Options=options)
        client.hear_pending("r1", "圖.png")
        image = ocr_server.take_image()
        ocr_server.acknowledge(image)
        headers: dict[str, Any] = dict(image.properties.headers or {})
        assert image.body == NO_IMAGE
        assert json.loads(headers.pop("Options")) == options
        assert headers == {"ClientUUID": client.client_uuid, "ImageFileName": "圖.png", "RequestId": "r1"}
        assert image.properties.reply_to == "result_queue.raw"
