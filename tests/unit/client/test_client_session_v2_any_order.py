"""Whatever a gateway says in whatever order, each image has exactly one final answer."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from client.errors import closing
from client.events import Answered
from protocol.codecs_v2 import JSON, MSGPACK, Codec
from protocol.messages_v2 import Progress, Received
from tests.unit.client.paper_gateway import At

Step = tuple[str, int, float | None]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["PENDING", "PROCESSING", "SUCCESS", "take"]), st.integers(0, 3), st.none()),
        st.tuples(st.just("FAILED"), st.integers(0, 3), st.one_of(st.none(), st.floats(0, 50))),
        st.tuples(st.just("break"), st.sampled_from([1001, 1009, 1013, 4000, 4001]), st.none()),
        st.tuples(st.just("forget"), st.just(1001), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 40), st.none()),
    ),
    max_size=40,
)


class Story:
    """Four images, and what becomes of them."""

    def __init__(self, max_in_flight: int) -> None:
        self.at = At(4).connected()
        self.requests = [self.at.sends(name) for name in "abcd"]
        self.answered: list[Answered] = []
        self.told: list[str] = []
        self._max_in_flight = max_in_flight
        self._now = 0.0

    def go_on(self, step: str, number: int, retry_after: float | None) -> None:
        at, session = self.at, self.at.session
        if step == "wait":
            self.wait(number)
        elif step in ("break", "forget"):
            self.note(*session.broken(closing(number, ""))[1])
            at.connected(resumed=step == "break", max_in_flight=self._max_in_flight)
        elif step == "take":
            if self.requests[number] in [one.request for one in self.answered]:
                session.taken(self.requests[number])
        elif step == "SUCCESS":
            self.note(at.success(self.requests[number], now=self._now))
        elif step == "FAILED":
            self.note(at.failed(self.requests[number], "FOREIGN_CODE", retry_after, self._now))
        else:
            what: Literal["PENDING", "PROCESSING"] = "PENDING" if step == "PENDING" else "PROCESSING"
            self.note(at.hears(Progress(what, "?", self.requests[number].request_id), self._now))
        self.told += [one for said in at.says() if isinstance(said, Received) for one in said.received]

    def wait(self, seconds: float) -> None:
        session = self.at.session
        self._now += seconds
        for request in session.due(self._now):
            session.upload(request, self._now)
        self.note(*session.give_up(self._now))

    def note(self, *events: object) -> None:
        self.answered += [one for one in events if isinstance(one, Answered)]
        if self.at.session.outstanding:
            assert 0 <= self.at.session.seconds_left(self._now) <= 30.0

    def check(self) -> None:
        final = {one.request.request_id for one in self.answered}
        assert len(self.answered) == len(final)
        assert set(self.told) <= final
        waiting = {one.request_id for one in self.at.session.outstanding}
        assert waiting | final == {one.request_id for one in self.requests}
        assert not waiting & final


@given(STEPS, st.integers(1, 4))
def test_each_image_has_exactly_one_final_answer(steps: list[Step], max_in_flight: int) -> None:
    story = Story(max_in_flight)
    for step in steps:
        story.go_on(*step)
        story.check()
    story.wait(1000)
    story.check()
    assert len(story.answered) == 4


@given(st.binary(max_size=200), st.sampled_from([JSON, MSGPACK]))
def test_no_bytes_of_a_gateway_make_it_raise(frame: bytes, codec: Codec) -> None:
    at = At(codec=codec)
    at.session.opened(codec)
    at.session.receive(frame, 0)
    at.connected()
    at.sends("a")
    at.session.receive(frame, 1)
