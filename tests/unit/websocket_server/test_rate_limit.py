"""The token bucket: what goes at once, what has to wait and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from websocket_server.rate_limit import RateLimit


def test_zero_is_no_limit() -> None:
    limit = RateLimit(0)
    assert [limit.take(0.0) for _ in range(10_000)] == [0.0] * 10_000


def test_a_sixth_of_the_minute_goes_at_once_and_the_rest_at_its_pace() -> None:
    limit = RateLimit(60)
    assert [limit.take(1000.0) for _ in range(10)] == [0.0] * 10
    assert limit.take(1000.0) == pytest.approx(1.0)
    assert limit.take(1000.5) == pytest.approx(0.5)
    assert limit.take(1001.0) == 0.0
    assert limit.take(1001.0) == pytest.approx(1.0)


def test_one_a_minute_is_one_a_minute() -> None:
    limit = RateLimit(1)
    assert limit.take(5.0) == 0.0
    assert limit.take(5.0) == pytest.approx(60.0)
    assert limit.take(64.9) == pytest.approx(0.1)
    assert limit.take(65.0) == 0.0


def test_being_quiet_for_long_saves_up_no_more_than_the_burst() -> None:
    limit = RateLimit(60)
    for _ in range(10):
        limit.take(0.0)
    assert [limit.take(1_000_000.0) == 0.0 for _ in range(11)] == [True] * 10 + [False]


def test_what_is_refused_costs_nothing() -> None:
    limit = RateLimit(6)
    limit.take(0.0)
    waits = [limit.take(0.0) for _ in range(100)]
    assert waits == [pytest.approx(10.0)] * 100


@given(st.integers(1, 100_000), st.lists(st.floats(0, 100), max_size=200))
def test_who_waits_as_told_is_served_and_no_minute_gets_more_than_its_share(
    per_minute: int, pauses: list[float]
) -> None:
    limit, now, taken = RateLimit(per_minute), 1e6, []
    for pause in pauses:
        now += pause
        wait = limit.take(now)
        if wait:
            now += wait
            assert limit.take(now) == 0.0
        taken.append(now)
    most = per_minute + max(1, per_minute // 6)
    assert all(sum(start <= one < start + 59.9 for one in taken) <= most for start in taken)
