"""Who may come in, and as whom."""

import pytest

from protocol import messages_v2 as v2
from protocol.errors import ErrorCode, Refusal
from websocket_server.door import ANYBODY, Door
from websocket_server.resume_key import ResumeKeys
from websocket_server.tokens import Grant

ADA, EVE = Grant("ada"), Grant("eve")
OPEN = Door(ResumeKeys(b"secret"), None)
GUARDED = Door(ResumeKeys(b"secret"), {"of ada": ADA, "of eve": EVE}.get)


def _code(door: Door, hello: v2.Hello, bearer: str = "") -> ErrorCode:
    with pytest.raises(Refusal) as caught:
        door.enter(hello, bearer)
    return caught.value.code


def test_without_tokens_everybody_gets_a_client_uuid_and_its_key() -> None:
    first, second = OPEN.enter(v2.Hello("a"), ""), OPEN.enter(v2.Hello("a"), "")
    assert first.client_uuid != second.client_uuid
    assert (first.is_resumed, first.grant) == (False, ANYBODY)


def test_with_its_key_a_client_keeps_its_client_uuid_also_at_another_gateway_of_the_same_secret() -> None:
    entry = OPEN.enter(v2.Hello("a"), "")
    again = Door(ResumeKeys(b"secret"), None).enter(v2.Hello("a", entry.client_uuid, entry.resume_key), "")
    assert (again.client_uuid, again.is_resumed, again.resume_key) == (entry.client_uuid, True, entry.resume_key)


@pytest.mark.parametrize("key", ["", "wrong", "é"])
def test_without_its_key_nobody_has_a_client_uuid(key: str) -> None:
    entry = OPEN.enter(v2.Hello("a"), "")
    assert _code(OPEN, v2.Hello("a", entry.client_uuid, key)) is ErrorCode.BAD_CLIENT_UUID


@pytest.mark.parametrize(("hello", "bearer"), [("of ada", ""), ("", "of ada"), ("of ada", "of eve")])
def test_a_token_is_taken_from_the_hello_or_from_the_handshake(hello: str, bearer: str) -> None:
    assert GUARDED.enter(v2.Hello("a", token=hello), bearer).grant == ADA


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_a_known_token_nobody_comes_in(token: str) -> None:
    assert _code(GUARDED, v2.Hello("a", token=token)) is ErrorCode.NOT_ALLOWED


def test_a_key_is_good_only_with_the_token_it_was_given_for() -> None:
    entry = GUARDED.enter(v2.Hello("a", token="of ada"), "")
    stolen = v2.Hello("e", entry.client_uuid, entry.resume_key, "of eve")
    assert _code(GUARDED, stolen) is ErrorCode.BAD_CLIENT_UUID
