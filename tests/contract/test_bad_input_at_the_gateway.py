"""Bad input at the gateway's doors: it is answered, the connection stays usable, and nobody else notices."""

import base64
import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import SECONDS, ForeignClient, ForeignOcrServer
from tests.running import Gateway, Services, http_status

GOOD_BASE64 = base64.b64encode(NO_IMAGE).decode()
LONGEST_NAME = "圖" * 255  # as long as file systems allow
NO_MESSAGES: dict[str, str | bytes] = {
    "empty": "",
    "not JSON": "not JSON",
    "half an object": '{"ClientName": ',
    "two objects": '{"ClientName": "a"}{"ClientName": "b"}',
    "array": "[]",
    "array of an object": '[{"ClientName": "a"}]',
    "null": "null",
    "number": "1e999",
    "string": '"ClientName"',
    "empty object": "{}",
    "unknown keys only": '{"Colour": "blue"}',
    "deeply nested": '{"ClientName": ' + "[" * 50_000 + "]" * 50_000 + "}",
    "name is a number": '{"ClientName": 5}',
    "name is null": '{"ClientName": null}',
    "name is an object": '{"ClientName": {}}',
    "lone surrogate": '{"ClientName": "\\ud800"}',
    "binary": b"\x00\xff\xfe",
}


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway()


@pytest.fixture
def ocr_server(gateway: Gateway, broker: PrivateBroker) -> Iterator[ForeignOcrServer]:
    with ForeignOcrServer(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(autouse=True)
def bystander(gateway: Gateway, ocr_server: ForeignOcrServer) -> Iterator[None]:
    """Another client, whose image is on its way while the test misbehaves; its answer has to arrive."""
    with ForeignClient(gateway.port, "bystander") as client:
        client.upload("bystander.png", NO_IMAGE)
        client.hear_pending("bystander.png")
        image = ocr_server.take_image()
        yield
        ocr_server.answer(image, "undisturbed")
        assert client.hear_text("bystander.png") == "undisturbed"
    assert "Traceback" not in gateway.output()


def assert_usable(client: ForeignClient, ocr_server: ForeignOcrServer, name: str = "good.png") -> None:
    client.upload(name, NO_IMAGE)
    client.hear_pending(name)
    image = ocr_server.take_image()
    assert image.message()["ImageFileName"] == name
    ocr_server.answer(image, "read")
    assert client.hear_text(name) == "read"


@pytest.mark.parametrize("frame", NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
def test_a_frame_that_is_no_message_is_failed_before_the_hello(
    gateway: Gateway, ocr_server: ForeignOcrServer, frame: str | bytes
) -> None:
    with ForeignClient(gateway.port, name=None) as client:
        client.say(frame)
        client.hear_failed()
        client.hello()
        assert_usable(client, ocr_server)


@pytest.mark.parametrize("frame", NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
def test_a_frame_that_is_no_message_is_failed_after_the_hello(
    gateway: Gateway, ocr_server: ForeignOcrServer, frame: str | bytes
) -> None:
    with ForeignClient(gateway.port) as client:
        client.say(frame)
        client.hear_failed()
        assert_usable(client, ocr_server)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"ImageBase64Data": "this is no base64!"}, "a.png"),
        ({"ImageBase64Data": GOOD_BASE64[:-3]}, "a.png"),
        ({"ImageBase64Data": "圖"}, "a.png"),
        ({"ImageBase64Data": 5}, "a.png"),
        ({"ImageBase64Data": None}, "a.png"),
        ({"ImageBase64Data": ["QQ=="]}, "a.png"),
        ({"ImageFileName": 5}, ""),
        ({"ImageFileName": None}, ""),
        ({"ImageFileName": ["a.png"]}, ""),
        ({"ImageFileName": "\ud800.png"}, ""),
        ({"ClientUUID": 5}, "a.png"),
        ({"ClientUUID": None}, "a.png"),
        ({"ClientUUID": ""}, "a.png"),
        ({"ClientUUID": "2026-01-31-10-51-30-" + str(uuid.uuid4())}, "a.png"),
        ({"ClientUUID": "held.*"}, "a.png"),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_an_upload_with_a_wrong_value_is_failed(
    gateway: Gateway, ocr_server: ForeignOcrServer, wrong: dict[str, Any], name: str
) -> None:
    with ForeignClient(gateway.port) as client:
        upload = {"ClientUUID": client.client_uuid, "ImageFileName": "a.png", "ImageBase64Data": GOOD_BASE64}
        client.say(upload | wrong)
        client.hear_failed(name, "")
        assert_usable(client, ocr_server)


@pytest.mark.parametrize("absent", ["ClientUUID", "ImageFileName", "ImageBase64Data"])
def test_an_upload_without_one_of_its_keys_is_failed(
    gateway: Gateway, ocr_server: ForeignOcrServer, absent: str
) -> None:
    with ForeignClient(gateway.port) as client:
        upload = {"ClientUUID": client.client_uuid, "ImageFileName": "a.png", "ImageBase64Data": GOOD_BASE64}
        del upload[absent]
        client.say(upload)
        client.hear_failed("a.png", "")
        assert_usable(client, ocr_server)


def test_another_clients_uuid_is_of_no_use(gateway: Gateway, ocr_server: ForeignOcrServer) -> None:
    with ForeignClient(gateway.port) as victim, ForeignClient(gateway.port) as forger:
        own, forger.client_uuid = forger.client_uuid, victim.client_uuid
        forger.upload("forged.png", NO_IMAGE)
        forger.hear_failed("forged.png")
        forger.client_uuid = own
        assert_usable(forger, ocr_server)
        assert_usable(victim, ocr_server)  # and has heard nothing of it


def test_unknown_keys_of_a_message_are_ignored(gateway: Gateway, ocr_server: ForeignOcrServer) -> None:
    with ForeignClient(gateway.port, name=None) as client:
        client.say({"ClientName": "a", "Colour": "blue"})
        message = client.hear()
        assert set(message) == {"ClientUUID"}
        upload = {"ClientUUID": message["ClientUUID"], "ImageFileName": "a.png", "ImageBase64Data": GOOD_BASE64}
        client.say(upload | {"Colour": "blue", "Number": [1, 2]})
        client.hear_pending("a.png")
        image = ocr_server.take_image()
        assert set(image.message()) == {"ClientUUID", "ImageFileName", "ImageBase64Data", "OcrResult"}
        ocr_server.answer(image, "read")
        assert client.hear_text("a.png") == "read"


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "C:\\x\\y.png", "", " ", "a\nb.png", "\x00", LONGEST_NAME, '"}', "\u202egnp.a"],
)
def test_a_name_is_only_a_name(gateway: Gateway, ocr_server: ForeignOcrServer, name: str) -> None:
    with ForeignClient(gateway.port) as client:
        assert_usable(client, ocr_server, name)


@pytest.mark.parametrize("name", ["", LONGEST_NAME, "two\nlines", "\x1b[31mred"])
def test_a_strange_client_name_gets_its_uuid(gateway: Gateway, ocr_server: ForeignOcrServer, name: str) -> None:
    with ForeignClient(gateway.port, name) as client:
        assert_usable(client, ocr_server)
    assert "\x1b" not in gateway.output()


@pytest.mark.parametrize(
    "sent", [b"\x00\x01\x02\x03\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET "]
)
def test_a_connection_that_speaks_no_websocket_harms_nobody(gateway: Gateway, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):  # until the gateway has closed it
            pass
    assert http_status(gateway.port, "/readyz") == 200


@pytest.mark.parametrize(
    "result",
    [
        b"",
        b"not JSON",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"ClientUUID": 5, "ImageFileName": "a.png", "OcrResult": "x"}',
        b'{"ClientUUID": "no client", "ImageFileName": "a.png"}',
        b'{"ClientUUID": "no client", "ImageFileName": null, "OcrResult": "x"}',
        b"[" * 50_000,
    ],
    ids=lambda result: repr(result)[:40],
)
def test_a_result_that_is_none_is_passed_over(gateway: Gateway, ocr_server: ForeignOcrServer, result: bytes) -> None:
    ocr_server.publish("result_queue", result)
    with ForeignClient(gateway.port) as client:
        assert_usable(client, ocr_server)


@pytest.mark.parametrize("wrong", [5, None, ["text"], {"text": 1}])
def test_a_result_of_a_wrong_type_does_not_cost_the_client_its_answer(
    gateway: Gateway, ocr_server: ForeignOcrServer, wrong: object
) -> None:
    with ForeignClient(gateway.port) as client:
        client.upload("a.png", NO_IMAGE)
        client.hear_pending("a.png")
        image = ocr_server.take_image()
        answer = {"ClientUUID": client.client_uuid, "ImageFileName": "a.png", "OcrResult": wrong}
        ocr_server.publish("result_queue", json.dumps(answer).encode())
        ocr_server.answer(image, "read")
        assert client.hear_text("a.png") == "read"
