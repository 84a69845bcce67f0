"""Cancellations and announcements: their keys, what comes back, and the one error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import control
from protocol.control import Announcement, Cancelled
from protocol.messages import UndecodableMessage


@pytest.mark.parametrize(
    ("cancelled", "keys"),
    [(Cancelled("u"), {"ClientUUID"}), (Cancelled("u", "r"), {"ClientUUID", "RequestId"})],
    ids=["a client", "a request"],
)
def test_a_cancellation_has_the_keys_of_the_contract(cancelled: Cancelled, keys: set[str]) -> None:
    body = control.encode_cancel(cancelled)
    assert set(json.loads(body)) == {"Cancel"}
    assert set(json.loads(body)["Cancel"]) == keys
    assert control.decode_control(body) == cancelled


def test_control_about_something_else_cancels_nothing() -> None:
    assert control.decode_control(b'{"Pause": {"Seconds": 5}}') is None


def test_an_announcement_has_the_keys_of_the_contract() -> None:
    announcement = Announcement("host-17", 2, ("eng", "chi_tra"), ("words",), "0.1.0")
    body = control.encode_announcement(announcement)
    assert set(json.loads(body)) == {"Server", "Slots", "Languages", "Outputs", "Version"}
    assert control.decode_announcement(body) == announcement


def test_unknown_keys_are_ignored() -> None:
    assert control.decode_control(b'{"Cancel": {"ClientUUID": "u", "Why": "left"}, "More": 1}') == Cancelled("u")
    assert control.decode_announcement(b'{"Server": "s", "Slots": 1, "Colour": "blue"}') == Announcement("s", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"Cancel": []}',
        b'{"Cancel": {}}',
        b'{"Cancel": {"ClientUUID": 5}}',
        b'{"Cancel": {"ClientUUID": "u", "RequestId": null}}',
    ],
)
def test_a_damaged_cancellation_is_undecodable(body: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        control.decode_control(body)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"Server": "s"}', b'{"Server": "s", "Slots": "two"}'])
def test_a_damaged_announcement_is_undecodable(body: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        control.decode_announcement(body)


def test_an_announcement_that_would_make_every_welcome_long_is_undecodable() -> None:
    languages = tuple(f"language{number}" for number in range(10_000))
    with pytest.raises(UndecodableMessage, match="more than 65536"):
        control.decode_announcement(control.encode_announcement(Announcement("s", 1, languages)))


likely = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["Cancel", "ClientUUID", "RequestId", "Server", "Slots", "Languages"]), inner)
    ),
    max_leaves=8,
).map(lambda one: json.dumps(one).encode())


@given(st.binary() | likely)
def test_no_bytes_raise_anything_but_the_one_error(body: bytes) -> None:
    for decode in (control.decode_control, control.decode_announcement):
        try:
            decode(body)
        except UndecodableMessage as error:
            assert str(error)
