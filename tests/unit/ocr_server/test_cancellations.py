"""What is cancelled, and what of it is remembered."""

import pytest

from ocr_server.cancellations import REMEMBERED, Cancellations
from protocol.bodies import Addressee
from protocol.control import Cancelled

IMAGE = Addressee("u", "a.png", "r")


def _cancelled(*ones: tuple[Cancelled, float]) -> Cancellations:
    cancellations = Cancellations()
    for cancelled, at in ones:
        cancellations.add(cancelled, at)
    return cancellations


@pytest.mark.parametrize(("sent_at", "is_covered"), [(99, True), (100, True), (101, False), (None, True)])
def test_of_a_client_is_cancelled_what_was_sent_before_that_moment(sent_at: int | None, is_covered: bool) -> None:
    cancellations = _cancelled((Cancelled("u"), 100))
    for image in (IMAGE, Addressee("u", "b.png")):
        assert cancellations.cover(image, sent_at) is is_covered
    assert not cancellations.cover(Addressee("other", "a.png", "r"), sent_at)


@pytest.mark.parametrize(("sent_at", "is_covered"), [(99, True), (100, True), (101, False), (None, True)])
def test_one_request_is_cancelled_and_no_other_one(sent_at: int | None, is_covered: bool) -> None:
    cancellations = _cancelled((Cancelled("u", "r"), 100))
    assert cancellations.cover(IMAGE, sent_at) is is_covered
    assert not cancellations.cover(Addressee("u", "a.png", "another"), sent_at)
    assert not cancellations.cover(Addressee("u", "a.png"), sent_at)
    assert not cancellations.cover(Addressee("other", "a.png", "r"), sent_at)


def test_the_latest_moment_counts_whatever_comes_last() -> None:
    cancellations = _cancelled((Cancelled("u"), 200), (Cancelled("u"), 100))
    assert cancellations.cover(IMAGE, 150)


def test_only_so_many_are_remembered_and_the_oldest_go_first() -> None:
    cancellations = _cancelled(*((Cancelled(str(number)), 100) for number in range(REMEMBERED)))
    cancellations.add(Cancelled("0"), 100)  # again, so it is among the newest
    cancellations.add(Cancelled("new"), 100)
    assert not cancellations.cover(Addressee("1", "a.png"), 50)
    for client_uuid in ("0", "2", "new"):
        assert cancellations.cover(Addressee(client_uuid, "a.png"), 50)
