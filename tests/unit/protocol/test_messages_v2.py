"""v2's messages in both codecs: their keys, what comes back, and that nothing raises anything but the one error."""

import base64
import contextlib
import json
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages_v2
from protocol.codecs_v2 import CODECS, JSON, MSGPACK, Codec
from protocol.errors import ErrorCode, Refusal
from protocol.messages import MAX_NAME_CHARACTERS, PENDING_TEXT
from protocol.messages_v2 import (
    BadMessage,
    Cancel,
    ClientMessage,
    Failure,
    GatewayMessage,
    Hello,
    Progress,
    Received,
    Success,
    Upload,
    Welcome,
)

both_codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))

HELLO = Hello("Ada")
UPLOAD = Upload("u", "a.png", b"\x00\xff", "r-1", {"PageSegMode": 6})
WELCOME = Welcome("u", "k", True, 10, 2, 30.0, 600.0, ("eng",), ("words",))
SUCCESS = Success("a.png", "text", "r-1", 91.5, 12.3, {"words": [1]}, ("border",))
FAILURE = Failure("a.png", "why", "r-1", "QUEUE_FULL", "why", 2.0)
FROM_CLIENTS: list[ClientMessage] = [
    HELLO,
    Hello("Ada", "u", "k", "t"),
    UPLOAD,
    Received("u", ("r-1", "r-2")),
    Cancel("u", ("r-1",)),
]
FROM_GATEWAYS: list[GatewayMessage] = [WELCOME, Progress("PENDING", "a.png", "r-1"), SUCCESS, FAILURE]


def _object(codec: Codec, frame: bytes) -> dict[str, Any]:
    found = msgspec.msgpack.decode(frame) if codec.is_binary else json.loads(frame)
    assert isinstance(found, dict)
    return found


def _frame(codec: Codec, message: object) -> bytes:
    return msgspec.msgpack.encode(message) if codec.is_binary else msgspec.json.encode(message)


UPLOAD_KEYS = {"ClientUUID", "ImageFileName", "RequestId"}
PROGRESS_KEYS = {"ResponseMessage", "ImageFileName", "OcrResult", "RequestId"}
FAILED_KEYS = PROGRESS_KEYS | {"ErrorCode", "ErrorMessage"}
WELCOME_KEYS = {
    *("ClientUUID", "ResumeKey", "Resumed", "MaxImageBytes", "MaxInFlight", "IdleTimeout", "ResumeWindow"),
    *("Languages", "Outputs"),
}
KEYS: list[tuple[ClientMessage | GatewayMessage, set[str]]] = [
    (HELLO, {"ClientName"}),
    (Hello("Ada", token="t"), {"ClientName", "Token"}),
    (Hello("Ada", "u", "k"), {"ClientName", "ClientUUID", "ResumeKey"}),
    (Received("u", ("r",)), {"ClientUUID", "Received"}),
    (Cancel("u", ("r",)), {"ClientUUID", "Cancel"}),
    (WELCOME, WELCOME_KEYS),
    (Progress("PENDING", "a.png", "r"), PROGRESS_KEYS),
    (Progress("PROCESSING", "a.png", "r"), PROGRESS_KEYS),
    (SUCCESS, PROGRESS_KEYS | {"Confidence", "ElapsedMs", "Outputs", "Steps"}),
    (FAILURE, FAILED_KEYS | {"RetryAfter"}),
    (messages_v2.failure("OCR_TIMEOUT", "why", "r", "a.png"), FAILED_KEYS),
]


@both_codecs
@pytest.mark.parametrize(("message", "keys"), KEYS, ids=lambda value: type(value).__name__)
def test_messages_have_exactly_the_keys_of_the_contract(
    codec: Codec, message: ClientMessage | GatewayMessage, keys: set[str]
) -> None:
    assert set(_object(codec, codec.encode(message))) == keys


def test_an_upload_has_its_image_as_base64_in_json_and_as_bytes_in_messagepack() -> None:
    in_json, in_msgpack = (_object(codec, codec.encode(UPLOAD)) for codec in (JSON, MSGPACK))
    assert in_json.keys() == UPLOAD_KEYS | {"ImageBase64Data", "Options"}
    assert in_msgpack.keys() == UPLOAD_KEYS | {"ImageData", "Options"}
    assert base64.b64decode(in_json["ImageBase64Data"]) == in_msgpack["ImageData"] == UPLOAD.image


@both_codecs
def test_an_upload_without_options_says_nothing_of_them(codec: Codec) -> None:
    assert "Options" not in _object(codec, codec.encode(Upload("u", "a.png", b"", "r")))


def test_progress_carries_the_text_of_v1() -> None:
    assert _object(JSON, JSON.encode(Progress("PROCESSING", "a.png", "r")))["OcrResult"] == PENDING_TEXT


def test_a_binary_output_is_base64_in_json_and_bytes_in_messagepack() -> None:
    success = Success("a.png", "", "r", outputs={"pdf": base64.b64encode(b"%PDF").decode(), "tsv": "YQ=="})
    assert _object(MSGPACK, MSGPACK.encode(success))["Outputs"] == {"pdf": b"%PDF", "tsv": "YQ=="}
    assert _object(JSON, JSON.encode(success))["Outputs"] == success.outputs


@pytest.mark.parametrize("content", ["no base64", "YQ", "é", 5, None])
def test_a_binary_output_that_is_none_still_makes_a_message(content: object) -> None:
    success = Success("a.png", "text", "r", outputs={"pdf": content})  # from an OCR server that is not ours
    assert _object(MSGPACK, MSGPACK.encode(success))["OcrResult"] == "text"


@both_codecs
@pytest.mark.parametrize("message", FROM_CLIENTS, ids=lambda one: type(one).__name__)
def test_what_a_client_says_is_decoded_as_it_was_encoded(codec: Codec, message: ClientMessage) -> None:
    assert codec.decode_client_message(codec.encode(message)) == message


@both_codecs
@pytest.mark.parametrize("message", FROM_GATEWAYS, ids=lambda one: type(one).__name__)
def test_what_a_gateway_says_is_decoded_as_it_was_encoded(codec: Codec, message: GatewayMessage) -> None:
    assert codec.decode_gateway_message(codec.encode(message)) == message


texts = st.text(max_size=64)
ids = st.text(min_size=1, max_size=64)


@both_codecs
@given(uploaded=st.builds(Upload, texts, texts, st.binary(), ids))
def test_any_upload_is_decoded_as_it_was_encoded(codec: Codec, uploaded: Upload) -> None:
    assert codec.decode_client_message(codec.encode(uploaded)) == uploaded


@both_codecs
def test_unknown_keys_are_ignored(codec: Codec) -> None:
    for message in FROM_CLIENTS:
        frame = _frame(codec, _object(codec, codec.encode(message)) | {"Colour": "blue", "Number": [1, None]})
        assert codec.decode_client_message(frame) == message
    for answer in FROM_GATEWAYS:
        frame = _frame(codec, _object(codec, codec.encode(answer)) | {"Colour": "blue"})
        assert codec.decode_gateway_message(frame) == answer


@both_codecs
def test_an_upload_that_lacks_a_key_is_refused_with_the_labels_it_has(codec: Codec) -> None:
    whole = _object(codec, codec.encode(UPLOAD))
    for missing in whole.keys() - {"Options"}:
        with pytest.raises(BadMessage) as caught:
            codec.decode_client_message(_frame(codec, {key: whole[key] for key in whole if key != missing}))
        assert caught.value.code is ErrorCode.BAD_MESSAGE
        assert caught.value.request_id == ("" if missing == "RequestId" else "r-1")
        assert caught.value.image_file_name == ("" if missing == "ImageFileName" else "a.png")


@both_codecs
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"RequestId": ""}, ErrorCode.BAD_MESSAGE),
        ({"RequestId": "x" * 65}, ErrorCode.BAD_MESSAGE),
        ({"RequestId": 5}, ErrorCode.BAD_MESSAGE),
        ({"ImageFileName": "x" * (MAX_NAME_CHARACTERS + 1)}, ErrorCode.BAD_MESSAGE),
        ({"Options": ["eng"]}, ErrorCode.BAD_MESSAGE),
        ({"Options": {"Languages": "x" * messages_v2.MAX_OPTIONS_BYTES}}, ErrorCode.BAD_OPTION),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_upload_out_of_bounds_is_refused(codec: Codec, changed: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(BadMessage) as caught:
        codec.decode_client_message(_frame(codec, _object(codec, codec.encode(UPLOAD)) | changed))
    assert caught.value.code is code
    assert len(caught.value.request_id) <= messages_v2.MAX_REQUEST_ID_CHARACTERS
    assert len(caught.value.image_file_name) <= MAX_NAME_CHARACTERS


@both_codecs
@pytest.mark.parametrize(
    "message",
    [
        {"ClientName": "x" * (MAX_NAME_CHARACTERS + 1)},
        {"ClientName": "a", "Token": "x" * 1025},
        {"ClientName": "a", "ClientUUID": "x" * 1025, "ResumeKey": ""},
        {"ClientName": "a", "ClientUUID": 5},
        {"Received": ["r"]},
        {"ClientUUID": "u", "Received": "r"},
        {"ClientUUID": "u", "Received": [5]},
        {"ClientUUID": "u", "Cancel": None},
        {"ClientUUID": "u", "Cancel": ["r"] * (messages_v2.MAX_REQUEST_IDS + 1)},
        {"ClientUUID": "u"},
        {},
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_message_is_refused(codec: Codec, message: dict[str, Any]) -> None:
    with pytest.raises(BadMessage) as caught:
        codec.decode_client_message(_frame(codec, message))
    assert caught.value.code is ErrorCode.BAD_MESSAGE


def test_an_image_that_is_no_base64_is_refused_by_name() -> None:
    with pytest.raises(BadMessage) as caught:
        JSON.decode_client_message(_frame(JSON, _object(JSON, JSON.encode(UPLOAD)) | {"ImageBase64Data": "?"}))
    assert (caught.value.code, caught.value.request_id) == (ErrorCode.BAD_BASE64, "r-1")


def test_options_that_json_cannot_say_are_refused() -> None:
    for unsayable in ({"a": msgspec.msgpack.Ext(5, b"x")}, {"a": {1: msgspec.msgpack.Ext(5, b"x")}}):
        with pytest.raises(BadMessage) as caught:
            MSGPACK.decode_client_message(
                _frame(MSGPACK, _object(MSGPACK, MSGPACK.encode(UPLOAD)) | {"Options": unsayable})
            )
        assert caught.value.code is ErrorCode.BAD_OPTION


HUGE_LENGTHS = [
    b"\xdf\xff\xff\xff\xff",  # an object of 4 billion keys, none of them there
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\x81\xa8Received\xdd\xff\xff\xff\xff",
    b"\x81\xa7Options\xdf\xff\xff\xff\xff",
    b"\x81\xa9ImageData\xc6\xff\xff\xff\xff",
    b"\x81\xa7Options\x81\xa1a" + b"\x91" * 50_000,
]


@pytest.mark.parametrize("frame", HUGE_LENGTHS, ids=lambda frame: repr(frame[:16]))
def test_lengths_that_promise_too_much_are_refused(frame: bytes) -> None:
    for decode in (MSGPACK.decode_client_message, MSGPACK.decode_gateway_message):
        with pytest.raises(BadMessage):
            decode(frame)


MANY = 200_000
MANY_SMALL_VALUES: dict[str, dict[str, Any]] = {
    "Options": {"RequestId": "r", "Options": {"a": [{}] * MANY}},
    "Options of an upload": {"ClientUUID": "u", "ImageFileName": "n", "RequestId": "r", "Options": {"a": [{}] * MANY}},
    "Received": {"ClientUUID": "u", "Received": ["ab"] * MANY},
    "Cancel": {"ClientUUID": "u", "Cancel": ["ab"] * MANY},
    "a key that nobody knows": {"ClientUUID": "u", "Other": [{}] * MANY},
}


@both_codecs
@pytest.mark.parametrize("message", MANY_SMALL_VALUES.values(), ids=MANY_SMALL_VALUES)
def test_a_frame_of_many_small_values_is_refused_before_they_are_built(codec: Codec, message: dict[str, Any]) -> None:
    frame = _frame(codec, message | {"ImageData": b"", "ImageBase64Data": ""} if "RequestId" in message else message)
    tracemalloc.start()
    try:
        with pytest.raises(BadMessage):
            codec.decode_client_message(frame)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(frame)


@both_codecs
@pytest.mark.parametrize(
    "message",
    [
        {},
        {"ResponseMessage": "MAYBE"},
        {"ResponseMessage": "SUCCESS", "Outputs": ["words"]},
        {"ResponseMessage": 5},
        {"ClientUUID": ""},
        {"ResponseMessage": "SUCCESS", "Confidence": "high"},
    ],
    ids=str,
)
def test_what_no_gateway_says_is_refused(codec: Codec, message: dict[str, Any]) -> None:
    with pytest.raises(BadMessage):
        codec.decode_gateway_message(_frame(codec, message))


@both_codecs
def test_a_failure_can_be_tried_again_if_it_says_when(codec: Codec) -> None:
    again = codec.decode_gateway_message(codec.encode(messages_v2.refusal(Refusal(ErrorCode.QUEUE_FULL), "r")))
    final = codec.decode_gateway_message(codec.encode(messages_v2.refusal(Refusal(ErrorCode.OCR_TIMEOUT), "r")))
    assert isinstance(again, Failure)
    assert isinstance(final, Failure)
    assert (again.can_try_again, again.retry_after) == (True, ErrorCode.QUEUE_FULL.retry_after)
    assert not final.can_try_again


def test_the_retry_after_of_a_refusal_is_its_own() -> None:
    assert messages_v2.refusal(Refusal(ErrorCode.RATE_LIMITED, retry_after=17)).retry_after == 17


# Whatever bytes come

KEY_NAMES = sorted(set().union(*(keys for _, keys in KEYS)) | {"ImageBase64Data", "ImageData", "Options", "Other"})
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 9), inner), max_leaves=8
)
likely_objects = st.dictionaries(st.sampled_from(KEY_NAMES), values | st.lists(st.text()) | st.text(), max_size=8)
VALID = [codec.encode(message) for codec in CODECS.values() for message in (*FROM_CLIENTS, *FROM_GATEWAYS)]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid frame with some of its bytes replaced, removed or repeated."""
    frame = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(frame)))
        frame[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=5))
    return bytes(frame)


frames = (
    st.binary()
    | mutated()
    | likely_objects.map(lambda one: _frame(JSON, one))
    | likely_objects.map(lambda one: _frame(MSGPACK, one))
)


@both_codecs
@given(frame=frames)
def test_no_bytes_raise_anything_but_the_one_error(codec: Codec, frame: bytes) -> None:
    for decode in (codec.decode_client_message, codec.decode_gateway_message):
        try:
            decode(frame)
        except BadMessage as error:
            assert error.code in (ErrorCode.BAD_MESSAGE, ErrorCode.BAD_BASE64, ErrorCode.BAD_OPTION)
            answer = messages_v2.refusal(error, error.request_id, error.image_file_name)
            assert codec.decode_gateway_message(codec.encode(answer)) == answer  # it can be said to the sender


@both_codecs
@given(frame=frames)
def test_labels_of_any_bytes_are_bounded_texts(codec: Codec, frame: bytes) -> None:
    request_id, name = codec.labels(frame)
    assert len(request_id) <= messages_v2.MAX_REQUEST_ID_CHARACTERS
    assert len(name) <= MAX_NAME_CHARACTERS


@both_codecs
@given(frame=frames)
def test_what_is_understood_can_be_passed_on(codec: Codec, frame: bytes) -> None:
    with contextlib.suppress(BadMessage):
        message = codec.decode_client_message(frame)
        if isinstance(message, Upload):
            msgspec.json.encode([message.client_uuid, message.image_file_name, message.request_id, message.options])
            assert 1 <= len(message.request_id) <= messages_v2.MAX_REQUEST_ID_CHARACTERS
