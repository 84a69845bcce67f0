"""One v2 conversation, without a socket or a clock: images, answers, refusals, deadlines."""

import math

import pytest

from client.errors import AnswerTimeout, ImageFailed
from client.events import Accepted, Answered, Ignored, Noted, Postponed, Recognition, Request, Welcomed
from protocol.codecs_v2 import JSON, MSGPACK, Codec
from protocol.messages_v2 import MAX_REQUEST_IDS, Cancel, Failure, Hello, Progress, Received, Success, Upload, failure
from tests.unit.client.paper_gateway import At, welcome


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_hello_upload_answer_and_received(codec: Codec) -> None:
    at = At(codec=codec)
    at.session.opened(codec)
    assert at.decoded(at.session.hello()) == Hello("Ada")
    assert at.hears(welcome()) == Welcomed("uuid")
    request = Request("a.png", b"\x00image", options={"Languages": ["eng"]})
    frame = at.decoded(at.session.upload(request, 100.0))
    assert frame == Upload("uuid", "a.png", b"\x00image", request.request_id, {"Languages": ["eng"]})
    assert at.pending(request, 101.0) == Accepted(request)
    assert at.hears(Progress("PROCESSING", "a.png", request.request_id), 101.5) == Noted()
    answer = Success("a.png", "text\n", request.request_id, 91.5, 12.0, {}, ("scaled",))
    assert at.hears(answer, 102.5) == Answered(request, Recognition("a.png", "text\n", 2.5, 91.5, 12.0, ("scaled",)))
    assert at.session.outstanding == []
    assert at.says() == []  # the program does not have it yet
    at.session.taken(request)
    assert at.says() == [Received("uuid", (request.request_id,))]
    assert at.says() == []


def test_answers_find_their_images_by_request_id_also_among_namesakes() -> None:
    at = At(3).connected()
    sent = [at.sends("a") for _ in range(3)]
    assert len({one.request_id for one in sent}) == 3
    for request in reversed(sent):
        event = at.success(request)
        assert isinstance(event, Answered)
        assert event.request is request


def test_a_repeated_answer_is_dropped_and_received_is_said_again_once_the_program_has_it() -> None:
    at = At().connected()
    request = at.sends("a")
    at.success(request, "first")
    assert at.success(request, "again") == Noted()
    assert at.says() == []
    at.session.taken(request)
    assert at.success(request, "again") == Noted()
    assert at.says() == [Received("uuid", (request.request_id,))]
    assert at.success(request, "again") == Noted()
    assert at.says() == [Received("uuid", (request.request_id,))]


def test_an_answer_to_what_was_never_sent_is_told_ignored_and_not_kept_at_the_gateway() -> None:
    at = At().connected()
    assert isinstance(at.hears(Success("b", "text", "another id")), Ignored)
    assert at.says() == [Received("uuid", ("another id",))]
    assert isinstance(at.hears(Progress("PENDING", "b", "one more")), Ignored)
    assert at.says() == []


def test_a_failure_is_final_and_carries_the_sentence_of_the_gateway() -> None:
    at = At().connected()
    request = at.sends("a")
    event = at.failed(request, "UNSUPPORTED_IMAGE")
    assert isinstance(event, Answered)
    assert isinstance(event.answer, ImageFailed)
    assert (str(event.answer), event.answer.image_file_name) == ("It is UNSUPPORTED_IMAGE.", "a")
    at.session.taken(request)
    assert at.says() == [Received("uuid", (request.request_id,))]


def test_a_refusal_that_passes_ends_nothing_and_its_pauses_grow() -> None:
    at = At().connected()
    request = at.sends("a", timeout=1000.0)
    now, pauses = 0.0, []
    for _ in range(6):
        event = at.failed(request, "QUEUE_FULL", 2.0, now)
        assert isinstance(event, Postponed)
        pauses.append(event.seconds)
        assert at.session.seconds_left(now) == min(event.seconds, 1000.0 - now)
        assert at.session.due(now + event.seconds - 0.1) == []
        now += event.seconds
        assert at.session.due(now) == [request]
        before = request.request_id
        at.session.upload(request, now)
        assert request.request_id == before
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert at.session.outstanding == [request]
    assert at.says() == []


def test_a_gateway_that_asks_for_a_long_pause_gets_it_and_one_that_asks_for_none_still_gets_some() -> None:
    at = At(2).connected()
    slow, quick = at.sends("slow"), at.sends("quick")
    event = at.failed(slow, "RATE_LIMITED", 60.0)
    assert isinstance(event, Postponed)
    assert event.seconds == 60.0
    for strange in (0.0, -1.0, math.nan):
        message = Failure("quick", "", quick.request_id, "QUEUE_FULL", "full", strange)
        event = At.hears(at, message)
        assert isinstance(event, Postponed)
        assert 0 < event.seconds < 1


def test_an_image_that_is_refused_until_its_time_is_over_fails_with_the_last_sentence() -> None:
    at = At().connected()
    request = at.sends("a")
    at.failed(request, "QUEUE_FULL", 20.0)
    assert at.session.give_up(29.9) == []
    [late] = at.session.give_up(30.0)
    assert type(late.answer) is ImageFailed
    assert str(late.answer) == "It is QUEUE_FULL."


def test_an_image_without_an_answer_is_sent_again_after_answer_timeout() -> None:
    at = At().connected()
    request = at.sends("a", now=100.0)
    at.pending(request, 101.0)
    assert at.session.seconds_left(104.0) == 6.0
    assert at.session.due(109.9) == []
    assert at.session.due(110.0) == [request]
    again = at.decoded(at.session.upload(request, 110.0))
    assert isinstance(again, Upload)
    assert again.request_id == request.request_id
    assert at.pending(request, 110.5) == Noted()  # it was accepted before
    assert at.session.due(119.9) == []


@pytest.mark.parametrize(("timeout", "deadline"), [(None, 30.0), (4.0, 4.0)])
def test_an_image_is_given_up_and_cancelled_when_its_time_is_over_and_not_before(
    timeout: float | None, deadline: float
) -> None:
    at = At().connected()
    request = at.sends("a", timeout=timeout)
    at.session.upload(request, deadline / 2)  # sending again gives no more time
    assert at.session.seconds_to_deadline(deadline / 2) == deadline / 2
    assert at.session.give_up(deadline - 0.1) == []
    [late] = at.session.give_up(deadline)
    assert isinstance(late.answer, AnswerTimeout)
    assert f"was not accepted within {deadline:g} s" in str(late.answer)
    at.session.taken(request)
    assert at.says() == [Cancel("uuid", (request.request_id,))]
    # What the gateway says to that, or an answer that crossed it, reaches nobody, and is not kept either.
    assert at.failed(request, "CANCELLED") == Noted()
    assert at.says() == [Received("uuid", (request.request_id,))]


def test_there_is_room_for_as_many_as_both_sides_allow() -> None:
    at = At(3).connected(max_in_flight=2)
    at.sends("a")
    assert at.session.has_room
    last = at.sends("b")
    assert not at.session.has_room
    at.success(last)
    assert at.session.has_room


def test_an_upload_of_which_the_gateway_could_read_the_name_only_has_its_answer() -> None:
    at = At(3).connected()
    first, second = at.sends("a"), at.sends("a")
    at.sends("b")
    at.pending(first)
    event = at.hears(failure("BAD_MESSAGE", "Not understood.", "", "a"))
    assert isinstance(event, Answered)
    assert event.request is second
    assert isinstance(at.hears(failure("BAD_MESSAGE", "Not understood.", "", "")), Ignored)
    assert [one.image_file_name for one in at.session.outstanding] == ["a", "b"]


def test_what_nobody_waits_for_any_more_is_cancelled_in_messages_of_bounded_length() -> None:
    at = At(MAX_REQUEST_IDS + 1).connected(max_in_flight=10_000)
    ids = [at.sends("a").request_id for _ in range(MAX_REQUEST_IDS + 1)]
    at.session.cancel()
    assert at.session.outstanding == []
    assert at.says() == [Cancel("uuid", tuple(ids[:-1])), Cancel("uuid", (ids[-1],))]
