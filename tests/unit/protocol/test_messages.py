"""Decoding: what is understood, and that nothing else ever raises anything but the one error."""

import binascii
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages
from protocol.errors import ErrorCode, Refusal
from protocol.messages import Hello, UndecodableMessage, Upload, decode_client_message

UPLOAD = {"ClientUUID": "u", "ImageFileName": "a.png", "ImageBase64Data": "YQ=="}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
keys = st.sampled_from(["ClientName", "ClientUUID", "ImageFileName", "ImageBase64Data", "Other"])
likely_frames = st.dictionaries(keys, json_values | st.text()).map(lambda one: json.dumps(one).encode())


def test_a_hello_is_told_by_its_key() -> None:
    assert decode_client_message(b'{"ClientName": "Ada"}') == Hello("Ada")


def test_an_upload_is_told_by_its_keys_and_unknown_keys_are_ignored() -> None:
    frame = json.dumps(UPLOAD | {"RequestId": "1", "ClientName": "Ada"}).encode()
    assert decode_client_message(frame) == Upload("u", "a.png", "YQ==")


@pytest.mark.parametrize("missing", UPLOAD)
def test_an_upload_that_lacks_a_key_is_undecodable(missing: str) -> None:
    frame = json.dumps({key: value for key, value in UPLOAD.items() if key != missing}).encode()
    with pytest.raises(UndecodableMessage):
        decode_client_message(frame)


@pytest.mark.parametrize(
    "frame", [b"", b"\xff\xfe", b"not json", b"[]", b"null", b"{}", b'{"ClientName": 1}', b"[" * 5000]
)
def test_what_is_no_message_is_undecodable(frame: bytes) -> None:
    with pytest.raises(UndecodableMessage) as caught:
        decode_client_message(frame)
    assert caught.value.code is ErrorCode.BAD_MESSAGE


def test_an_undecodable_upload_keeps_its_name_and_its_cause() -> None:
    with pytest.raises(UndecodableMessage) as caught:
        decode_client_message(json.dumps(UPLOAD | {"ImageBase64Data": 5}).encode())
    assert caught.value.image_file_name == "a.png"
    assert caught.value.__cause__ is not None


def test_a_name_that_is_too_long_is_refused_and_cut() -> None:
    with pytest.raises(UndecodableMessage) as caught:
        decode_client_message(json.dumps(UPLOAD | {"ImageFileName": "x" * 1025}).encode())
    assert len(caught.value.image_file_name) == messages.MAX_NAME_CHARACTERS


@given(st.binary() | likely_frames)
def test_no_bytes_raise_anything_but_the_one_error(frame: bytes) -> None:
    for decode in (decode_client_message, messages.decode_assigned, messages.decode_response):
        try:
            decode(frame)
        except UndecodableMessage as error:
            assert str(error)


@given(st.text(max_size=255), st.text(max_size=255), st.binary())
def test_what_is_encoded_is_decoded_again(client_uuid: str, name: str, image: bytes) -> None:
    upload = Upload(client_uuid, name, messages.encode_image(image))
    assert decode_client_message(messages.encode(upload)) == upload
    assert messages.decode_image(upload.image_base64_data) == image


def test_messages_have_exactly_the_keys_of_the_contract() -> None:
    assert set(json.loads(messages.encode(Hello("a")))) == {"ClientName"}
    assert set(json.loads(messages.encode(messages.Assigned("u")))) == {"ClientUUID"}
    assert set(json.loads(messages.encode(Upload("u", "n", "d")))) == {"ClientUUID", "ImageFileName", "ImageBase64Data"}
    assert json.loads(messages.encode(messages.pending("n"))) == {
        "ResponseMessage": "PENDING",
        "ImageFileName": "n",
        "OcrResult": "尚未得到OCR結果",
    }


@pytest.mark.parametrize("given_data", ["!!!", "YQ", "YQ==YQ==", "data:image/png;base64,YQ==", "é", "Y\x00Q=", "=" * 4])
def test_what_is_no_base64_is_refused(given_data: str) -> None:
    with pytest.raises(Refusal) as caught:
        messages.decode_image(given_data)
    assert caught.value.code is ErrorCode.BAD_BASE64


@given(st.text(alphabet="aR+/=-字 ", max_size=9))
def test_base64_is_what_binascii_takes_strictly(given_data: str) -> None:
    try:
        image = binascii.a2b_base64(given_data, strict_mode=True)
    except ValueError:
        with pytest.raises(Refusal):
            messages.decode_image(given_data)
    else:
        assert messages.decode_image(given_data) == image


def test_base64_in_lines_is_taken() -> None:
    assert messages.decode_image("YW\nI=\r\n") == b"ab"


@given(st.text())
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    try:
        messages.decode_image(text)
    except Refusal as refusal:
        assert refusal.code is ErrorCode.BAD_BASE64


def test_a_client_uuid_has_the_form_of_the_contract() -> None:
    form = r"\d{4}(-\d\d){5}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert re.fullmatch(form, messages.new_client_uuid())


@pytest.mark.parametrize("size", [1, 2, 3, 1000, 10 * 1024 * 1024])
def test_the_largest_image_fits_into_the_frame_limit_with_the_longest_file_name(size: int) -> None:
    frame = json.dumps({"ClientUUID": "u" * 56, "ImageFileName": "字" * 255, "ImageBase64Data": ""})
    assert len(frame) + len(messages.encode_image(bytes(size))) <= messages.frame_limit(size)


def test_every_error_code_has_a_text() -> None:
    for code in ErrorCode:
        assert code.text.endswith(".")
    assert {code for code in ErrorCode if code.can_try_again} >= {ErrorCode.QUEUE_FULL, ErrorCode.UNAVAILABLE}
