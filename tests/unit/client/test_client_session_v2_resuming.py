"""A v2 conversation over several connections, without a socket or a clock."""

import pytest

from client.errors import ImageFailed, closing
from client.events import Answered, Ignored, Refused, Unknown, Welcomed
from protocol.codecs_v2 import JSON, MSGPACK
from protocol.messages_v2 import Hello, Upload, failure
from tests.unit.client.paper_gateway import BROKEN, At, welcome


def test_a_resumed_connection_sends_again_at_once_what_had_no_pending_and_nothing_else() -> None:
    at = At(3).connected()
    accepted, unheard, refused = at.sends("accepted"), at.sends("unheard"), at.sends("refused")
    at.pending(accepted)
    at.failed(refused, "QUEUE_FULL", 5.0)
    assert at.session.broken(BROKEN) == ([], [])
    assert not at.session.has_room
    at.session.opened(JSON)
    at.codec = JSON
    assert at.decoded(at.session.hello()) == Hello("Ada", "uuid", "key of uuid")
    assert at.hears(welcome(resumed=True)) == Welcomed("uuid", is_kept=True)
    assert at.session.due(1.0) == [unheard]
    assert at.session.due(5.0) == [unheard, refused]
    assert at.session.due(10.0) == [accepted, unheard, refused]
    assert isinstance(at.success(accepted), Answered)


def test_a_gateway_that_does_not_know_the_client_gets_a_new_hello_and_all_images_again() -> None:
    at = At(2).connected()
    accepted, unheard = at.sends("accepted"), at.sends("unheard")
    at.pending(accepted)
    at.session.broken(BROKEN)
    at.session.opened(MSGPACK)
    at.session.hello()
    assert at.hears(failure("BAD_CLIENT_UUID", "The key is wrong.", "", "")) == Unknown("The key is wrong.")
    assert at.decoded(at.session.hello()) == Hello("Ada")
    assert at.hears(welcome("another")) == Welcomed("another", is_kept=False)
    assert at.session.due(0.0) == [accepted, unheard]
    again = at.decoded(at.session.upload(accepted, 1.0))
    assert isinstance(again, Upload)
    assert (again.client_uuid, again.request_id) == ("another", accepted.request_id)


def test_an_answer_before_the_welcome_is_ignored_and_counts_when_it_comes_again() -> None:
    at = At().connected()
    request = at.sends("a")
    at.session.broken(BROKEN)
    at.session.opened(MSGPACK)
    assert isinstance(at.success(request), Ignored)
    assert at.session.outstanding == [request]
    at.connected(resumed=True)
    assert isinstance(at.success(request), Answered)


def test_a_refused_hello_is_told_with_when_to_come_back() -> None:
    at = At()
    assert at.hears(failure("NOT_ALLOWED", "Ask.", "", "")) == Refused("Ask.")
    assert at.hears(failure("UNAVAILABLE", "No broker.", "", "", retry_after=2.0)) == Refused("No broker.", 2.0)
    assert at.hears(failure("BAD_CLIENT_UUID", "None was said.", "", "")) == Refused("None was said.")


@pytest.mark.parametrize("code", [4001, 1008])
def test_whoever_is_replaced_or_thrown_out_does_not_come_back_with_the_same_client_uuid(code: int) -> None:
    at = At(2).connected()
    sent = [at.sends("a"), at.sends("b")]
    at.pending(sent[0])
    lost = closing(code, "its reason")
    again, ended = at.session.broken(lost)
    assert again == at.session.outstanding == []
    assert [(one.request, one.answer) for one in ended] == [(one, lost) for one in sent]
    assert at.decoded(at.session.hello()) == Hello("Ada")


def test_of_several_images_the_largest_unaccepted_one_is_the_one_that_was_too_large() -> None:
    at = At(3).connected()
    largest, small = at.sends("largest", image=b"123456789"), at.sends("small", image=b"1")
    large = at.sends("large", image=b"12345")
    at.pending(largest)
    _, [ended] = at.session.broken(closing(1009, "its reason"))
    assert ended.request is large
    assert isinstance(ended.answer, ImageFailed)
    assert "too large" in str(ended.answer)
    at.connected(resumed=True)
    assert at.session.due(0.0) == [small]


def test_a_gateway_that_takes_fewer_than_the_last_one_is_not_sent_more() -> None:
    at = At(3).connected()
    sent = [at.sends(name) for name in "abc"]
    at.pending(sent[0])
    at.session.broken(BROKEN)
    at.connected(resumed=True, max_in_flight=2)
    assert at.session.due(0.0) == [sent[1]]
    at.session.upload(sent[1], 0.0)
    assert at.session.due(1.0) == []
    assert at.session.seconds_left(1.0) > 0
    at.success(sent[0])
    assert at.session.due(1.0) == [sent[2]]


def test_a_v1_gateway_is_handed_the_images_as_new() -> None:
    at = At(2).connected()
    sent = [at.sends("a"), at.sends("b")]
    at.pending(sent[0])
    at.session.broken(BROKEN)
    assert at.session.hand_over() == sent
    assert at.session.outstanding == []
    assert [(one.times_sent, one.is_accepted) for one in sent] == [(0, False)] * 2
