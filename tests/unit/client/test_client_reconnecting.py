"""When a client that lost its gateway tries again."""

from hypothesis import given
from hypothesis import strategies as st

from client.errors import closing
from client.reconnecting import FIRST_PAUSE, LONGEST_PAUSE, Backoff


def _pauses(backoff: Backoff, tries: int, retry_after: float | None = None) -> list[float]:
    pauses = []
    for _ in range(tries):
        backoff.failed(100.0, retry_after)
        pauses.append(round(backoff.seconds_left(100.0), 6))
    return pauses


def test_pauses_double_up_to_the_longest_and_begin_anew_when_it_works() -> None:
    backoff = Backoff(chance=lambda: 0.0)
    assert backoff.seconds_left(100.0) == 0.0
    assert _pauses(backoff, 8) == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert backoff.seconds_left(103.0) == 2.0
    assert backoff.seconds_left(106.0) == 0.0
    backoff.worked()
    assert _pauses(backoff, 1) == [FIRST_PAUSE]


@given(st.floats(0, 1), st.integers(1, 2000))
def test_chance_makes_pauses_up_to_a_half_shorter(chance: float, tries: int) -> None:
    for pause in _pauses(Backoff(chance=lambda: chance), tries):
        assert FIRST_PAUSE / 2 <= pause <= LONGEST_PAUSE


def test_what_the_gateway_asks_for_is_the_least() -> None:
    assert _pauses(Backoff(chance=lambda: 1.0), 2, 7.0) == [7.0, 7.0]
    assert _pauses(Backoff(longest=1.0, chance=lambda: 0.0), 5, 0.3) == [0.3, 0.3, 0.4, 0.8, 1.0]


def test_when_to_come_back_is_at_the_end_of_the_reason_of_1013() -> None:
    lost = closing(1013, "try again later: all 100 connections are in use; RetryAfter=5")
    assert (lost.close_code, lost.retry_after) == (1013, 5.0)
    assert closing(1013, "RetryAfter=2.5").retry_after == 2.5
    for reason in ("", "RetryAfter=soon", "RetryAfter=5 or so", "RetryAfter=-1"):
        assert closing(1013, reason).retry_after is None
