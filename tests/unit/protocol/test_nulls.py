"""A null is as good as no key, in every message that others write: many languages write so what is not there."""

import json
from typing import Any

import msgspec
import pytest

from protocol import bodies, control, messages
from protocol.bodies import Addressee, Details, OcrAnswer, OcrProgress
from protocol.codecs_v2 import CODECS, Codec
from protocol.errors import ErrorCode
from protocol.messages import UndecodableMessage
from protocol.messages_v2 import Cancel, Failure, Hello, Received, Success, Upload, Welcome
from protocol.undecodable_answers import in_place_of

both_codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
TO = {"ClientUUID": "u", "ImageFileName": "a.png"}
CLIENT_KEYS = [
    *("ClientName", "ClientUUID", "ResumeKey", "Token", "ImageFileName", "ImageBase64Data", "ImageData"),
    *("RequestId", "Options", "Received", "Cancel"),
]


def _frame(codec: Codec, message: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode(message) if codec.is_binary else json.dumps(message).encode()


@both_codecs
def test_what_a_client_says_may_have_all_other_keys_as_nulls(codec: Codec) -> None:
    def decoded(**keys: Any) -> object:
        return codec.decode_client_message(_frame(codec, dict.fromkeys(CLIENT_KEYS) | keys))

    image: dict[str, Any] = {"ImageData": b"1"} if codec.is_binary else {"ImageBase64Data": "MQ=="}
    assert decoded(ClientName="Ada") == Hello("Ada")
    assert decoded(RequestId="r", **TO, **image) == Upload("u", "a.png", b"1", "r")
    assert decoded(ClientUUID="u", Received=["r"]) == Received("u", ("r",))
    assert decoded(ClientUUID="u", Cancel=["r"]) == Cancel("u", ("r",))


@both_codecs
def test_what_a_gateway_says_may_have_all_other_keys_as_nulls(codec: Codec) -> None:
    keys = msgspec.structs.fields(Welcome) + msgspec.structs.fields(Success) + msgspec.structs.fields(Failure)
    nulls = {field.encode_name: None for field in keys}

    def decoded(**keys: Any) -> object:
        return codec.decode_gateway_message(_frame(codec, nulls | keys))

    about = {"ImageFileName": "a.png", "RequestId": "r"}
    assert decoded(ClientUUID="u", ResumeKey="k") == Welcome("u", "k", False, 0, 1, 0.0, 0.0, (), ())
    assert decoded(ResponseMessage="SUCCESS", OcrResult="text", **about) == Success("a.png", "text", "r")
    failed = decoded(ResponseMessage="FAILED", OcrResult="why", ErrorCode="BAD_OPTION", **about)
    assert failed == Failure("a.png", "why", "r", "BAD_OPTION", "why")


def test_a_hello_and_an_upload_of_v1_may_have_nulls() -> None:
    hello = {"ClientName": "Ada", "ClientUUID": None, "ImageFileName": None, "ImageBase64Data": None, "Token": None}
    assert messages.decode_client_message(json.dumps(hello).encode()) == messages.Hello("Ada")
    upload = {"ClientName": None, "Token": None, "ImageBase64Data": "MQ==", **TO}
    assert messages.decode_client_message(json.dumps(upload).encode()) == messages.Upload("u", "a.png", "MQ==")


def test_a_request_of_a_gateway_from_elsewhere_may_have_nulls() -> None:
    body = json.dumps(TO | {"ImageBase64Data": "MQ==", "OcrResult": None, "RequestId": None, "Options": None}).encode()
    assert bodies.decode_request(body, {}, "application/json") == bodies.OcrRequest("u", "a.png", b"1")
    assert bodies.addressee(body, {}, "application/json") == Addressee("u", "a.png")


def test_answers_of_an_ocr_server_from_elsewhere_may_have_nulls() -> None:
    keys = [
        "OcrResult",
        "RequestId",
        "ErrorCode",
        "ErrorMessage",
        "Confidence",
        "ElapsedMs",
        "Outputs",
        "Steps",
        "Status",
    ]

    def decoded(**given: Any) -> OcrAnswer | OcrProgress:
        return bodies.decode_answer(json.dumps(TO | dict.fromkeys(keys) | given).encode())

    assert decoded(OcrResult="text") == OcrAnswer("u", "a.png", "text")
    assert decoded(OcrResult="text", RequestId="r", Confidence=9) == OcrAnswer(
        "u", "a.png", "text", request_id="r", details=Details(9.0)
    )
    assert decoded(ErrorCode="OCR_TIMEOUT") == OcrAnswer("u", "a.png", "", "OCR_TIMEOUT")
    assert decoded(RequestId="r", Status="PROCESSING") == OcrProgress("u", "a.png", "r")


def test_an_announcement_of_an_ocr_server_from_elsewhere_may_have_nulls() -> None:
    body = json.dumps({"Server": "s", "Slots": 2, "Languages": None, "Outputs": None, "Version": None}).encode()
    assert control.decode_announcement(body) == control.Announcement("s", 2)


@pytest.mark.parametrize("keys", [{}, {"OcrResult": None}, {"OcrResult": "text", "Steps": "grey"}, {"OcrResult": 5}])
def test_an_answer_that_cannot_be_decoded_is_a_failure_for_whoever_it_is_for(keys: dict[str, Any]) -> None:
    body = json.dumps(TO | {"RequestId": "r"} | keys).encode()
    with pytest.raises(UndecodableMessage) as caught:
        bodies.decode_answer(body)
    failed = in_place_of(body, caught.value)
    assert failed is not None
    assert (failed.client_uuid, failed.image_file_name, failed.request_id) == ("u", "a.png", "r")
    assert (failed.ocr_result, failed.error_code) == ("", ErrorCode.INTERNAL)
    assert "README" not in failed.error_message


@pytest.mark.parametrize("body", [b"", b"{", b'{"ClientUUID":"u"}', json.dumps(TO | {"Status": "HALFWAY"}).encode()])
def test_what_tells_nobodys_name_and_a_progress_are_a_failure_for_nobody(body: bytes) -> None:
    with pytest.raises(UndecodableMessage) as caught:
        bodies.decode_answer(body)
    assert in_place_of(body, caught.value) is None


@both_codecs
def test_received_and_cancel_may_come_together(codec: Codec) -> None:
    both = _frame(codec, {"ClientUUID": "u", "Received": ["r1"], "Cancel": ["r2"]})
    assert codec.decode_client_message(both) == Received("u", ("r1",), ("r2",))
    assert set(msgspec.json.decode(msgspec.json.encode(Received("u", ("r1",))))) == {"ClientUUID", "Received"}
