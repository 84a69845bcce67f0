"""Messages that are not as they should be: FAILED, with their RequestId if they have one, and the connection lives."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
MOST_OPTIONS = 4096


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


def assert_it_lives(client: ForeignClientV2, ocr_server: ForeignOcrServerV2, request_id: str = "good") -> None:
    """The next image is read, and the bad one before it did not reach the queue."""
    client.upload(request_id)
    client.hear_pending(request_id)
    ocr_server.read(ocr_server.take_image_of(request_id), "read")
    client.hear_success(request_id, "read")


def hear_refusal(client: ForeignClientV2, *codes: str) -> dict[str, Any]:
    message = client.hear()
    assert message["ResponseMessage"] == "FAILED", message
    assert message["ErrorCode"] in codes, message
    assert "RetryAfter" not in message
    return message


@pytest.mark.parametrize("request_id", ["r", "é" * 64, "\U0001f600" * 64, " ", "a/b\n\x00"])
def test_request_ids_of_1_to_64_characters_are_taken(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, request_id: str
) -> None:
    assert_it_lives(client, ocr_server, request_id)


@pytest.mark.parametrize("request_id", ["", "r" * 65, 7, None, ["r"]])
def test_other_request_ids_are_refused(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, request_id: Any
) -> None:
    client.upload("", RequestId=request_id)
    hear_refusal(client, "BAD_MESSAGE")
    assert_it_lives(client, ocr_server)


@pytest.mark.parametrize("missing", ["ClientUUID", "ImageFileName", "RequestId", "image"])
def test_an_upload_without_one_of_its_keys_is_refused(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, missing: str
) -> None:
    image: dict[str, Any] = {"ImageBase64Data": "AAAA"} if client.subprotocol == "ocr.v2" else {"ImageData": b"\0"}
    upload = {"ClientUUID": client.client_uuid, "ImageFileName": "a.png", "RequestId": "r1", **image}
    del upload[missing if missing != "image" else next(iter(image))]
    client.say(upload)
    told = hear_refusal(client, "BAD_MESSAGE", "BAD_CLIENT_UUID")
    assert told["RequestId"] == ("" if missing == "RequestId" else "r1")
    assert told["ImageFileName"] == ("" if missing == "ImageFileName" else "a.png")
    assert_it_lives(client, ocr_server)


def test_names_of_up_to_1024_characters_are_taken_and_longer_ones_refused(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2
) -> None:
    client.upload("r1", name="圖" * 1025)
    assert hear_refusal(client, "BAD_MESSAGE")["RequestId"] == "r1"
    client.upload("r1", name="圖" * 1024)
    client.hear_pending("r1", "圖" * 1024)
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    client.hear_success("r1", "read")


@pytest.mark.parametrize("data", ["not base64!", "AAA", "é"])
def test_what_is_no_base64_is_refused(gateway: Gateway, ocr_server: ForeignOcrServerV2, data: str) -> None:
    with ForeignClientV2(gateway.port, "ocr.v2") as client:
        client.upload("r1", ImageBase64Data=data)
        assert hear_refusal(client, "BAD_BASE64")["RequestId"] == "r1"
        assert_it_lives(client, ocr_server)


def test_each_codec_has_its_own_key_for_the_image(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    upload: dict[str, Any] = {"ClientUUID": client.client_uuid, "ImageFileName": "a.png", "RequestId": "r1"}
    client.say(upload | ({"ImageData": "AAAA"} if client.subprotocol == "ocr.v2" else {"ImageBase64Data": "AAAA"}))
    assert hear_refusal(client, "BAD_MESSAGE")["RequestId"] == "r1"
    assert_it_lives(client, ocr_server)


@pytest.mark.parametrize("options", ["eng", 7, ["words"], True])
def test_options_that_are_no_object_are_refused(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, options: Any
) -> None:
    client.upload("r1", Options=options)
    assert hear_refusal(client, "BAD_MESSAGE", "BAD_OPTION")["RequestId"] == "r1"
    assert_it_lives(client, ocr_server)


def test_options_of_over_4096_bytes_are_refused(client: ForeignClientV2, ocr_server: ForeignOcrServerV2) -> None:
    around = len(json.dumps({"A": ""}, separators=(",", ":")))
    client.upload("r1", Options={"A": "x" * (MOST_OPTIONS - around + 1)})
    assert hear_refusal(client, "BAD_OPTION")["RequestId"] == "r1"
    largest = {"A": "x" * (MOST_OPTIONS - around)}
    client.upload("r1", Options=largest)
    client.hear_pending("r1")
    image = ocr_server.take_image_of("r1")
    assert image.message()["Options"] == largest
    ocr_server.read(image, "read")
    client.hear_success("r1", "read")


@pytest.mark.parametrize(
    "options",
    [
        {1: "a"},
        {"A": b"bytes"},
        {"A": [{"B": b"bytes"}]},
        {"A": {b"k": 1}},
        {"A": {1: 2}},
        {"A": math.nan},
        {"A": datetime(2026, 1, 31, tzinfo=UTC)},
        {"A": msgspec.msgpack.Ext(5, b"x")},
    ],
    ids=repr,
)
def test_options_that_json_cannot_say_are_refused(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, options: dict[Any, Any]
) -> None:
    with ForeignClientV2(gateway.port, "ocr.v2.msgpack") as client:
        client.upload("r1", Options=options)
        assert hear_refusal(client, "BAD_MESSAGE", "BAD_OPTION")["RequestId"] == "r1"
        assert_it_lives(client, ocr_server)


@pytest.mark.parametrize("kind", ["Received", "Cancel"])
@pytest.mark.parametrize("ids", ["r1", [1], {"r1": True}, None, ["x"] * 1001])
def test_received_and_cancel_that_are_no_list_of_ids_are_refused(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, kind: str, ids: Any
) -> None:
    client.say({"ClientUUID": client.client_uuid, kind: ids})
    hear_refusal(client, "BAD_MESSAGE")
    assert_it_lives(client, ocr_server)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"ClientName": 7},
        {"ClientName": "x" * 1025},
        {"ClientName": "again"},
        {"ClientName": "x", "ClientUUID": "x" * 2000, "ResumeKey": "x"},
        {"ResumeKey": "x"},
    ],
)
def test_hellos_that_are_none_or_come_again_are_refused(
    client: ForeignClientV2, ocr_server: ForeignOcrServerV2, message: dict[str, Any]
) -> None:
    client.say(message)
    assert hear_refusal(client, "BAD_MESSAGE", "BAD_CLIENT_UUID")["RequestId"] == ""
    assert_it_lives(client, ocr_server)


def test_before_the_hello_nothing_is_taken(gateway: Gateway, ocr_server: ForeignOcrServerV2) -> None:
    for subprotocol in SUBPROTOCOLS:
        with ForeignClientV2(gateway.port, subprotocol, says_hello=False) as client:
            client.upload("r1")
            client.hear_failed("r1", "BAD_CLIENT_UUID")
            client.received("r1")
            client.hear_failed("", "BAD_CLIENT_UUID")
            client.cancel("r1")
            client.hear_failed("", "BAD_CLIENT_UUID")
            client.hello()
            assert_it_lives(client, ocr_server)
