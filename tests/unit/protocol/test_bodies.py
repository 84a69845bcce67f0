"""Bodies between gateway and OCR server: both forms of a request, the answer's keys, what is too large."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import bodies
from protocol.bodies import Addressee, Details, OcrAnswer, OcrProgress, OcrRequest
from protocol.errors import ErrorCode, Refusal
from protocol.messages import UndecodableMessage

REQUEST = OcrRequest("u", "a.png", b"\x89PNG")
V2_REQUEST = OcrRequest("u", "a.png", b"\x89PNG", "r-1", {"Languages": ["eng"]})
DETAILS = Details(91.5, 12.3, {"words": []}, ("scaled x2",))


@pytest.mark.parametrize("request_", [REQUEST, V2_REQUEST], ids=["v1", "v2"])
@pytest.mark.parametrize("form", ["json", "raw"])
def test_a_request_is_decoded_whatever_its_form(form: str, request_: OcrRequest) -> None:
    body, headers, content_type = bodies.encode_request(request_, form)
    assert bodies.decode_request(body, headers, content_type) == request_
    assert bodies.addressee(body, headers, content_type) == Addressee("u", "a.png", request_.request_id)
    assert content_type == {"json": "application/json", "raw": "application/octet-stream"}[form]


def test_a_json_request_has_exactly_the_four_keys() -> None:
    body, headers, _ = bodies.encode_request(REQUEST, "json")
    assert json.loads(body) == {
        "ClientUUID": "u",
        "ImageFileName": "a.png",
        "ImageBase64Data": "iVBORw==",
        "OcrResult": "",
    }
    assert headers == {}


def test_an_answer_has_three_keys_and_a_failure_five() -> None:
    assert json.loads(bodies.encode_answer(bodies.success(REQUEST, "text"))) == {
        "ClientUUID": "u",
        "ImageFileName": "a.png",
        "OcrResult": "text",
    }
    failed = bodies.failure(Addressee("u", "a.png"), ErrorCode.OCR_TIMEOUT, "Too slow.")
    assert json.loads(bodies.encode_answer(failed)) == {
        "ClientUUID": "u",
        "ImageFileName": "a.png",
        "OcrResult": "",
        "ErrorCode": "OCR_TIMEOUT",
        "ErrorMessage": "Too slow.",
    }


def test_for_a_request_with_request_id_an_answer_has_five_keys_more() -> None:
    more = {"RequestId", "Confidence", "ElapsedMs", "Outputs", "Steps"}
    answer = json.loads(bodies.encode_answer(bodies.success(V2_REQUEST, "text", DETAILS)))
    assert set(answer) == {"ClientUUID", "ImageFileName", "OcrResult"} | more
    assert (answer["RequestId"], answer["Confidence"], answer["ElapsedMs"]) == ("r-1", 91.5, 12.3)
    assert (answer["Outputs"], answer["Steps"]) == ({"words": []}, ["scaled x2"])
    failed = bodies.failure(Addressee("u", "a.png", "r-1"), ErrorCode.OCR_TIMEOUT, "Too slow.")
    assert set(json.loads(bodies.encode_answer(failed))) == set(answer) | {"ErrorCode", "ErrorMessage"}


def test_an_answer_that_is_too_large_becomes_a_failure() -> None:
    for request in (REQUEST, V2_REQUEST):
        encoded = bodies.encode_answer(bodies.success(request, "x" * bodies.MAX_ANSWER_BYTES, DETAILS))
        answer = bodies.decode_answer(encoded)
        assert isinstance(answer, OcrAnswer)
        assert answer.error_code == ErrorCode.RESULT_TOO_LARGE
        assert answer.request_id == request.request_id


def test_progress_is_decoded_as_it_was_encoded_and_has_four_keys() -> None:
    progress = OcrProgress("u", "a.png", "r-1")
    encoded = bodies.encode_progress(progress)
    assert json.loads(encoded) == {
        "ClientUUID": "u",
        "ImageFileName": "a.png",
        "RequestId": "r-1",
        "Status": "PROCESSING",
    }
    assert bodies.decode_answer(encoded) == progress


@pytest.mark.parametrize(
    "body",
    [
        b'{"ClientUUID": "u", "ImageFileName": "n"}',
        b'{"ClientUUID": "u", "ImageFileName": "n", "RequestId": "r", "Status": "SLEEPING"}',
        b'{"ClientUUID": "u", "ImageFileName": "n", "Status": "PROCESSING"}',
    ],
    ids=["no text", "another status", "progress of nothing"],
)
def test_what_is_neither_answer_nor_progress_is_undecodable(body: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        bodies.decode_answer(body)


def test_a_request_with_bad_base64_is_refused_but_has_an_addressee() -> None:
    body = b'{"ClientUUID": "u", "ImageFileName": "n", "ImageBase64Data": "?", "OcrResult": ""}'
    with pytest.raises(Refusal) as caught:
        bodies.decode_request(body, {}, None)
    assert caught.value.code is ErrorCode.BAD_BASE64
    assert bodies.addressee(body, {}, None) == Addressee("u", "n")


def test_a_request_with_an_endless_name_cannot_be_answered() -> None:
    endless = OcrRequest("u", "x" * 1025, b"")
    for form in ("json", "raw"):
        assert bodies.addressee(*bodies.encode_request(endless, form)) is None


def test_headers_of_other_types_are_undecodable() -> None:
    with pytest.raises(UndecodableMessage):
        bodies.decode_request(b"", {"ClientUUID": 1}, bodies.RAW)
    with pytest.raises(UndecodableMessage):
        bodies.decode_request(b"", {"ClientUUID": "u"}, bodies.RAW)


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain"])
def test_headers_named_like_ours_do_not_make_a_body_raw(content_type: str | None) -> None:
    body, _, _ = bodies.encode_request(REQUEST, "json")
    assert bodies.decode_request(body, {"ClientUUID": "other"}, content_type) == REQUEST
    assert bodies.addressee(body, {"ClientUUID": "other"}, content_type) == Addressee("u", "a.png")


@given(st.binary(), st.dictionaries(st.sampled_from(["ClientUUID", "ImageFileName", "x"]), st.text() | st.integers()))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes, headers: dict[str, object]) -> None:
    bodies.addressee(body, headers, bodies.RAW)
    for decode in (lambda: bodies.decode_request(body, headers, bodies.RAW), lambda: bodies.decode_answer(body)):
        try:
            decode()
        except Refusal as refusal:
            assert refusal.code in (ErrorCode.BAD_MESSAGE, ErrorCode.BAD_BASE64)


@given(st.text(), st.text(), st.text(), st.text(min_size=1))
def test_an_answer_is_decoded_as_it_was_encoded(client_uuid: str, name: str, text: str, request_id: str) -> None:
    v1 = OcrAnswer(client_uuid, name, text)
    assert bodies.decode_answer(bodies.encode_answer(v1)) == v1
    v2 = OcrAnswer(client_uuid, name, text, request_id=request_id, details=DETAILS)
    assert bodies.decode_answer(bodies.encode_answer(v2)) == v2
