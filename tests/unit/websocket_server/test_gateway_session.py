"""One client's conversation, without a socket or a broker."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bodies import OcrAnswer
from protocol.errors import ErrorCode, Refusal
from protocol.messages import PENDING_TEXT, Response, Upload, encode, encode_image
from websocket_server.actions import Action, Greet, Publish, Send
from websocket_server.session import Session


def _session(max_image_bytes: int = 100) -> Session:
    numbers = itertools.count(1)
    return Session(max_image_bytes, new_message_id=lambda: f"id{next(numbers)}")


def _greeted() -> Session:
    session = _session()
    assert isinstance(_only(session.receive(b'{"ClientName": "Ada"}')), Greet)
    return session


def _upload(session: Session, name: str = "a.png", image: bytes = b"image", client_uuid: str | None = None) -> bytes:
    return encode(Upload(session.client_uuid if client_uuid is None else client_uuid, name, encode_image(image)))


def _publish(session: Session, name: str = "a.png") -> str:
    action = _only(session.receive(_upload(session, name)))
    assert isinstance(action, Publish)
    return action.message_id


def _only(actions: list[Action]) -> Action:
    """The one thing that a frame leads to."""
    (action,) = actions
    return action


def _said(sends: list[Send]) -> list[tuple[str, str, str]]:
    return [(one.response_message, one.image_file_name, one.ocr_result) for one in map(_response, sends)]


def _response(action: Action) -> Response:
    assert isinstance(action, Send)
    assert isinstance(action.message, Response)
    return action.message


def _answer(name: str, text: str) -> OcrAnswer:
    return OcrAnswer("u", name, text)


def test_an_upload_is_published_confirmed_and_answered() -> None:
    session = _greeted()
    message_id = _publish(session)
    assert _said(session.published(message_id)) == [("PENDING", "a.png", PENDING_TEXT)]
    assert _said(session.answered(message_id, _answer("a.png", "text\n"))) == [("SUCCESS", "a.png", "text\n")]
    assert session.in_flight == 0


def test_an_answer_that_overtakes_its_confirm_says_pending_first_and_only_once() -> None:
    session = _greeted()
    message_id = _publish(session)
    said = _said(session.answered(message_id, _answer("a.png", "text")))
    assert [one[0] for one in said] == ["PENDING", "SUCCESS"]
    assert session.published(message_id) == []


def test_an_answer_that_comes_twice_is_said_once() -> None:
    session = _greeted()
    message_id = _publish(session)
    assert len(session.answered(message_id, _answer("a.png", "text"))) == 2
    assert session.answered(message_id, _answer("a.png", "text")) == []


def test_an_answer_without_correlation_id_goes_to_the_oldest_of_that_name() -> None:
    session = _greeted()
    first, other, second = (_publish(session, name) for name in ("same", "other", "same"))
    assert [send.message_id for send in session.answered(None, _answer("same", "1"))] == [first, first]
    assert [send.message_id for send in session.answered(None, _answer("same", "2"))] == [second, second]
    assert session.answered(None, _answer("same", "3")) == []
    assert session.in_flight == 1
    assert session.answered(other, _answer("other", "4"))


def test_the_trailing_form_feed_is_removed_and_nothing_else() -> None:
    session = _greeted()
    message_id = _publish(session)
    final = session.answered(message_id, _answer("a.png", " one\ftwo \n\f"))[-1]
    assert _response(final).ocr_result == " one\ftwo \n"


def test_a_failure_is_answered_with_its_sentence() -> None:
    session = _greeted()
    message_id = _publish(session)
    session.published(message_id)
    answer = OcrAnswer("u", "a.png", "", "OCR_TIMEOUT", "Too slow.")
    assert _said(session.answered(message_id, answer)) == [("FAILED", "a.png", "Too slow.")]


def test_an_image_that_the_broker_refuses_fails_without_pending() -> None:
    session = _greeted()
    message_id = _publish(session)
    said = _said(session.not_published(message_id, Refusal(ErrorCode.QUEUE_FULL)))
    assert said == [("FAILED", "a.png", ErrorCode.QUEUE_FULL.text)]
    assert session.answered(message_id, _answer("a.png", "late")) == []


def test_a_refusal_after_the_answer_is_not_said() -> None:
    session = _greeted()
    message_id = _publish(session)
    session.answered(message_id, _answer("a.png", "text"))
    assert session.not_published(message_id, Refusal(ErrorCode.UNAVAILABLE)) == []


@pytest.mark.parametrize("before_hello", [True, False])
def test_an_upload_with_another_client_uuid_fails(before_hello: bool) -> None:
    session = _session() if before_hello else _greeted()
    action = _only(session.receive(_upload(session, client_uuid="2026-01-01-00-00-00-forged")))
    code = ErrorCode.BAD_CLIENT_UUID
    assert action == Send(Response("FAILED", "a.png", code.text), code=code)


def test_an_empty_client_uuid_before_the_hello_fails() -> None:
    session = _session()
    assert isinstance(_only(session.receive(_upload(session, client_uuid=""))), Send)


def test_a_second_hello_fails_and_changes_nothing() -> None:
    session = _greeted()
    uuid = session.client_uuid
    action = _only(session.receive(b'{"ClientName": "Eve"}'))
    assert isinstance(action, Send)
    assert (_response(action).response_message, _response(action).image_file_name) == ("FAILED", "")
    assert session.client_uuid == uuid


def test_an_image_over_the_limit_fails_with_the_limit_in_the_words() -> None:
    session = _greeted()
    assert isinstance(_only(session.receive(_upload(session, image=bytes(100)))), Publish)
    action = _only(session.receive(_upload(session, image=bytes(101))))
    assert isinstance(action, Send)
    assert "100 bytes" in _response(action).ocr_result


@pytest.mark.parametrize("frame", [b"?" * 5000, b'{"ImageFileName": "a.png", "Other": "' + b"x" * 5000 + b'"}'])
def test_a_frame_over_the_limit_fails_with_the_limit_in_the_words(frame: bytes) -> None:
    action = _only(_greeted().receive(frame))
    assert isinstance(action, Send)
    assert _response(action).image_file_name == ("a.png" if b"a.png" in frame else "")
    assert "100 bytes" in _response(action).ocr_result


def test_a_gateway_that_is_stopping_takes_no_image() -> None:
    session = _greeted()
    action = _only(session.receive(_upload(session), is_draining=True))
    assert isinstance(action, Send)
    assert session.in_flight == 0


@given(st.lists(st.binary()))
def test_no_frames_raise_anything(frames: list[bytes]) -> None:
    session = _greeted()
    for frame in frames:
        action = _only(session.receive(frame))
        if isinstance(action, Send):
            assert _response(action).response_message == "FAILED"
    assert isinstance(_only(session.receive(_upload(session))), Publish)


@pytest.mark.parametrize(("size", "is_taken"), [(20_000, True), (20_001, False)])
def test_an_image_counts_by_its_bytes_however_its_base64_is_written(size: int, is_taken: bool) -> None:
    session = _session(max_image_bytes=20_000)
    session.receive(b'{"ClientName": "Ada"}')
    frame = _upload(session, image=b"\xff" * size).replace(b"/", b"\\/")  # as PHP writes it: twice as long
    action = _only(session.receive(frame))
    assert isinstance(action, Publish) == is_taken
    if not is_taken:
        assert "the limit for an image is 20000 bytes" in _response(action).ocr_result
