"""One v2 connection: hello, limits, and what is refused, without a socket or a broker."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages_v2 as v2
from protocol.codecs_v2 import CODECS, JSON, Codec
from protocol.errors import ErrorCode, Refusal
from protocol.messages import frame_limit
from websocket_server.actions import Action, Enter, Publish, Send
from websocket_server.outstanding import Outstanding
from websocket_server.session_v2 import Limits, SessionV2

MAX = 100
BOTH = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def _may_take(_: int) -> None:
    """Everything is taken."""


def _welcomed(codec: Codec = JSON, max_in_flight: int = 2) -> SessionV2:
    session = SessionV2(codec, MAX)
    requests = Outstanding("client", 32)
    requests.attached()
    session.welcomed(requests, Limits(MAX, max_in_flight, _may_take))
    return session


def _upload(request_id: str = "r", image: bytes = b"image", client_uuid: str = "client") -> v2.Upload:
    return v2.Upload(client_uuid, "a.png", image, request_id)


def _receive(session: SessionV2, message: v2.ClientMessage, *, is_draining: bool = False) -> list[Action]:
    return session.receive(session.codec.encode(message), broker_connection=1, is_draining=is_draining)


def _refused(actions: list[Action]) -> v2.Failure:
    (send,) = actions
    assert isinstance(send, Send)
    assert isinstance(send.message, v2.Failure)
    assert send.code == send.message.error_code
    return send.message


@BOTH
def test_a_hello_is_handed_on_and_a_second_one_refused(codec: Codec) -> None:
    hello = v2.Hello("Ada", "uuid", "key", "token")
    assert _receive(SessionV2(codec, MAX), hello) == [Enter(hello)]
    assert _refused(_receive(_welcomed(codec), hello)).error_code == "BAD_MESSAGE"


@BOTH
def test_an_upload_is_published(codec: Codec) -> None:
    (publish,) = _receive(_welcomed(codec), _upload())
    assert isinstance(publish, Publish)
    assert publish.request.image == b"image"


@pytest.mark.parametrize("message", [_upload(client_uuid="other"), v2.Received("other", ()), v2.Cancel("other", ())])
def test_another_client_uuid_is_refused(message: v2.ClientMessage) -> None:
    assert _refused(_receive(_welcomed(), message)).error_code == "BAD_CLIENT_UUID"


@pytest.mark.parametrize("message", [_upload(), v2.Received("client", ()), v2.Cancel("client", ())])
def test_nothing_is_taken_before_the_hello(message: v2.ClientMessage) -> None:
    assert _refused(_receive(SessionV2(JSON, MAX), message)).error_code == "BAD_CLIENT_UUID"


def test_over_max_in_flight_is_refused_with_a_time_to_try_again_but_the_same_request_is_not() -> None:
    session = _welcomed(max_in_flight=1)
    _receive(session, _upload("one"))
    refused = _refused(_receive(session, _upload("two")))
    assert (refused.error_code, refused.request_id, refused.can_try_again) == ("TOO_MANY_IN_FLIGHT", "two", True)
    assert _receive(session, _upload("one")) == []


def test_a_gateway_that_stops_takes_no_more_but_answers_for_what_it_has() -> None:
    session = _welcomed()
    _receive(session, _upload("one"))
    refused = _refused(_receive(session, _upload("two"), is_draining=True))
    assert (refused.error_code, refused.can_try_again) == ("UNAVAILABLE", True)
    assert _receive(session, _upload("one"), is_draining=True) == []


@BOTH
def test_an_image_that_is_too_large_is_refused_with_the_limit(codec: Codec) -> None:
    assert isinstance(_receive(_welcomed(codec), _upload(image=bytes(MAX)))[0], Publish)
    refused = _refused(_receive(_welcomed(codec), _upload(image=bytes(MAX + 1))))
    assert (refused.error_code, refused.request_id) == ("IMAGE_TOO_LARGE", "r")
    assert str(MAX) in refused.error_message


@BOTH
def test_a_frame_that_is_too_large_is_refused_by_its_labels_alone(codec: Codec) -> None:
    size = frame_limit(MAX) + v2.FRAME_OVERHEAD
    refused = _refused(_receive(_welcomed(codec), _upload(image=bytes(size))))
    assert (refused.error_code, refused.request_id, refused.image_file_name) == ("IMAGE_TOO_LARGE", "r", "a.png")


@pytest.mark.parametrize(("size", "is_taken"), [(20_000, True), (20_001, False)])
def test_an_image_counts_by_its_bytes_however_its_base64_is_written(size: int, is_taken: bool) -> None:
    session = SessionV2(JSON, 20_000)
    session.welcomed(Outstanding("client", 32), Limits(20_000, 2, _may_take))
    frame = JSON.encode(_upload(image=b"\xff" * size)).replace(b"/", b"\\/")  # as PHP writes it: twice as long
    actions = session.receive(frame, broker_connection=1)
    if is_taken:
        assert isinstance(actions[0], Publish)
    else:
        assert _refused(actions).error_code == "IMAGE_TOO_LARGE"


def test_what_may_not_be_taken_now_is_refused_with_its_reason() -> None:
    def never(_: int) -> None:
        raise Refusal(ErrorCode.RATE_LIMITED, retry_after=7.5)

    session = SessionV2(JSON, MAX)
    session.welcomed(Outstanding("client", 32), Limits(MAX, 2, never))
    refused = _refused(_receive(session, _upload()))
    assert (refused.error_code, refused.retry_after) == ("RATE_LIMITED", 7.5)


def test_a_refused_message_keeps_its_request_id_and_name() -> None:
    frame = json.dumps({"RequestId": "r", "ImageFileName": "a.png", "ImageBase64Data": 5}).encode()
    refused = _refused(_welcomed().receive(frame, broker_connection=1))
    assert (refused.request_id, refused.image_file_name) == ("r", "a.png")


@given(st.binary(), st.sampled_from(list(CODECS.values())))
def test_whatever_arrives_it_never_raises(frame: bytes, codec: Codec) -> None:
    for session in (SessionV2(codec, MAX), _welcomed(codec)):
        assert all(isinstance(one, Send | Enter) for one in session.receive(frame, broker_connection=1))
