"""One conversation with a gateway, without a socket or a clock."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import AnswerTimeout, ConnectionLost, ImageFailed, closing
from client.events import Accepted, Answered, Ignored, Recognition, Refused, Request, Welcomed
from client.session import Session

BROKEN = ConnectionLost("The connection broke.")


def _welcomed(max_in_flight: int = 1) -> Session:
    session = Session("Ada", max_in_flight)
    assert session.receive(b'{"ClientUUID": "uuid"}', 0) == Welcomed("uuid")
    return session


def _send(session: Session, name: str, now: float = 0.0, image: bytes = b"image", timeout: float = 10.0) -> Request:
    request = Request(name, image, timeout)
    session.upload(request, now)
    return request


def _frame(response: str, name: str, text: str = "") -> bytes:
    return json.dumps({"ResponseMessage": response, "ImageFileName": name, "OcrResult": text}).encode()


def test_the_hello_has_the_name_and_nothing_else() -> None:
    assert json.loads(Session("Ada").hello()) == {"ClientName": "Ada"}


def test_an_upload_has_the_three_keys_of_the_contract() -> None:
    frame = json.loads(_welcomed().upload(Request("a.png", b"\x00image"), 0))
    assert frame == {"ClientUUID": "uuid", "ImageFileName": "a.png", "ImageBase64Data": "AGltYWdl"}


def test_an_image_is_accepted_then_answered() -> None:
    session = _welcomed()
    request = _send(session, "a.png", now=100.0)
    assert session.receive(_frame("PENDING", "a.png"), 101.0) == Accepted(request)
    assert session.receive(_frame("SUCCESS", "a.png", "text\n"), 102.5) == Answered(
        request, Recognition("a.png", "text\n", 2.5)
    )
    assert session.outstanding == []


def test_an_answer_without_pending_before_it_counts() -> None:
    session = _welcomed()
    _send(session, "a.png")
    assert isinstance(session.receive(_frame("SUCCESS", "a.png"), 1), Answered)


def test_a_failure_carries_the_sentence_of_the_gateway() -> None:
    session = _welcomed()
    _send(session, "a.png")
    event = session.receive(_frame("FAILED", "a.png", "The image is too large."), 1)
    assert isinstance(event, Answered)
    assert isinstance(event.answer, ImageFailed)
    assert (str(event.answer), event.answer.image_file_name) == ("The image is too large.", "a.png")


def test_there_is_room_after_the_welcome_for_as_many_as_allowed() -> None:
    session = Session("Ada", 2)
    assert not session.has_room
    session.receive(b'{"ClientUUID": "uuid"}', 0)
    _send(session, "a.png")
    assert session.has_room
    _send(session, "b.png")
    assert not session.has_room
    session.receive(_frame("SUCCESS", "a.png"), 1)
    assert session.has_room


def test_answers_find_their_images_by_name_in_any_order() -> None:
    session = _welcomed(3)
    sent = [_send(session, name) for name in ("a", "b", "c")]
    answered = [session.receive(_frame("SUCCESS", name), 1) for name in ("c", "a", "b")]
    assert [one.request for one in answered if isinstance(one, Answered)] == [sent[2], sent[0], sent[1]]


def test_of_two_with_one_name_the_first_sent_is_the_first_answered() -> None:
    session = _welcomed(2)
    first, second = _send(session, "a"), _send(session, "a")
    assert session.receive(_frame("PENDING", "a"), 1) == Accepted(first)
    assert session.receive(_frame("PENDING", "a"), 1) == Accepted(second)
    for request in (first, second):
        event = session.receive(_frame("SUCCESS", "a"), 1)
        assert isinstance(event, Answered)
        assert event.request is request


def test_a_refusal_without_a_name_is_for_the_oldest_that_is_not_accepted() -> None:
    session = _welcomed(2)
    _send(session, "a")
    second = _send(session, "b")
    session.receive(_frame("PENDING", "a"), 1)
    event = session.receive(_frame("FAILED", "", "not understood"), 1)
    assert isinstance(event, Answered)
    assert event.request is second


def test_a_refusal_without_a_name_is_for_the_only_image_also_when_it_is_accepted() -> None:
    session = _welcomed()
    request = _send(session, "a")
    session.receive(_frame("PENDING", "a"), 1)
    event = session.receive(_frame("FAILED", "", "the disk is full"), 1)
    assert isinstance(event, Answered)
    assert (event.request, str(event.answer)) == (request, "the disk is full")


@pytest.mark.parametrize(
    "frame",
    [
        _frame("SUCCESS", "other"),
        _frame("PENDING", "other"),
        _frame("FAILED", "other"),
        _frame("PERHAPS", "a"),
        b'{"ClientUUID": "another"}',
        b"[]",
        b"\xff",
        b"",
    ],
)
def test_what_fits_nothing_is_told_and_ignored(frame: bytes) -> None:
    session = _welcomed()
    request = _send(session, "a")
    assert isinstance(session.receive(frame, 1), Ignored)
    assert session.outstanding == [request]


@given(st.binary(max_size=200))
def test_no_bytes_of_a_gateway_make_it_raise(frame: bytes) -> None:
    Session("Ada").receive(frame, 0)
    session = _welcomed()
    _send(session, "a")
    session.receive(frame, 1)


def test_a_refused_hello_is_told_with_its_reason() -> None:
    assert Session("Ada").receive(_frame("FAILED", "", "Ask the operator."), 0) == Refused("Ask the operator.")


def test_an_answer_before_the_welcome_is_ignored() -> None:
    assert isinstance(Session("Ada").receive(_frame("SUCCESS", "a"), 0), Ignored)


def test_an_image_is_given_up_when_its_time_is_over_and_not_before() -> None:
    session = _welcomed(2)
    slow = _send(session, "slow", now=100.0, timeout=10.0)
    _send(session, "slower", now=101.0, timeout=10.0)
    assert session.seconds_left(104.0) == 6.0
    assert session.give_up(109.9) == []
    [late] = session.give_up(110.0)
    assert late.request is slow
    assert isinstance(late.answer, AnswerTimeout)
    assert "was not accepted within 10 s" in str(late.answer)
    assert [one.image_file_name for one in session.outstanding] == ["slower"]
    assert session.seconds_left(120.0) == 0.0


def test_a_late_answer_does_not_go_to_a_namesake() -> None:
    session = _welcomed(2)
    _send(session, "a", now=0)
    session.receive(_frame("PENDING", "a"), 1)
    [late] = session.give_up(10)
    assert "was accepted, but not answered" in str(late.answer)
    second = _send(session, "a", now=10)
    assert isinstance(session.receive(_frame("SUCCESS", "a", "late"), 11), Ignored)
    event = session.receive(_frame("SUCCESS", "a", "in time"), 12)
    assert event == Answered(second, Recognition("a", "in time", 2.0))


def test_when_a_connection_breaks_an_image_is_sent_once_more_and_no_more() -> None:
    session = _welcomed(2)
    first, second = _send(session, "a"), _send(session, "b")
    assert session.broken(BROKEN) == ([first, second], [])
    assert session.outstanding == []
    session.upload(first, 1)
    session.upload(second, 1)
    again, ended = session.broken(BROKEN)
    assert again == []
    assert [(one.request, one.answer) for one in ended] == [(first, BROKEN), (second, BROKEN)]


def test_of_several_images_the_largest_is_the_one_that_was_too_large() -> None:
    session = _welcomed(3)
    small = _send(session, "small", image=b"1")
    large = _send(session, "large", image=b"12345")
    too_large = closing(1009, "the limit is 4 bytes")
    [again], [ended] = session.broken(too_large)
    assert again is small
    assert small.times_sent == 0  # it was not the reason, so it keeps both of its tries
    assert ended.request is large
    assert isinstance(ended.answer, ImageFailed)
    assert "the limit is 4 bytes" in str(ended.answer)
