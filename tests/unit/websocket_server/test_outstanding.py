"""The requests of one v2 client: whatever comes in whatever order, each gets one answer, and none is lost."""

import dataclasses
import itertools

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol import messages_v2 as v2
from protocol.bodies import OcrAnswer, OcrProgress
from protocol.errors import ErrorCode, Refusal
from websocket_server.actions import Acknowledge, Action, CancelAtServers, GiveBack, Hold, Publish, Send, TakeHeld
from websocket_server.closed_requests import REMEMBERED
from websocket_server.outstanding import Outstanding

UUID = "client"


@dataclasses.dataclass(eq=False)
class FakeDelivery:
    answer: OcrAnswer
    correlation_id: str | None = None
    is_pending_said: bool = False
    is_held: bool = False
    is_live: bool = True


def _outstanding(*, is_attached: bool = True) -> Outstanding:
    numbers = itertools.count(1)
    made = Outstanding(UUID, 32, lambda: f"id{next(numbers)}")
    if is_attached:
        assert made.attached() == []
    return made


def _upload(made: Outstanding, request_id: str = "r", broker_connection: int = 1) -> list[Action]:
    return made.upload(v2.Upload(UUID, f"{request_id}.png", b"image", request_id), broker_connection)


def _accepted(made: Outstanding, request_id: str = "r") -> str:
    (publish,) = _upload(made, request_id)
    assert isinstance(publish, Publish)
    made.published(publish.message_id)
    return publish.message_id


def _answer(request_id: str = "r", error_code: str = "") -> OcrAnswer:
    return OcrAnswer(UUID, f"{request_id}.png", "" if error_code else "text", error_code, request_id=request_id)


def _delivery(request_id: str = "r", *, is_held: bool = False, is_pending_said: bool = False) -> FakeDelivery:
    return FakeDelivery(_answer(request_id), is_held=is_held, is_pending_said=is_pending_said)


def _said(actions: list[Action]) -> list[str]:
    """What the client is told, in order: PENDING, PROCESSING, SUCCESS or an error code."""
    told = []
    for action in actions:
        if isinstance(action, Send):
            message = action.message
            assert isinstance(message, v2.Progress | v2.Success | v2.Failure)
            told.append(message.error_code if isinstance(message, v2.Failure) else message.response_message)
    return told


def test_an_upload_is_published_accepted_read_and_answered() -> None:
    made = _outstanding()
    (publish,) = _upload(made)
    assert isinstance(publish, Publish)
    assert (publish.request.client_uuid, publish.request.request_id) == (UUID, "r")
    assert _said(made.published(publish.message_id)) == ["PENDING"]
    assert _said(made.progress(OcrProgress(UUID, "r.png", "r"))) == ["PROCESSING"]
    delivery = _delivery()
    assert made.unanswered == 1
    assert _said(made.answered(delivery)) == ["SUCCESS"]
    assert (made.in_flight, made.unanswered) == (1, 0)
    assert made.received(["r"]) == [Acknowledge(delivery)]
    assert made.in_flight == 0


def test_an_answer_that_overtakes_its_confirm_says_pending_first_and_only_once() -> None:
    made = _outstanding()
    (publish,) = _upload(made)
    assert isinstance(publish, Publish)
    assert _said(made.answered(_delivery())) == ["PENDING", "SUCCESS"]
    assert made.published(publish.message_id) == []


def test_progress_that_overtakes_the_confirm_says_pending_first_and_only_once() -> None:
    made = _outstanding()
    (publish,) = _upload(made)
    assert isinstance(publish, Publish)
    assert _said(made.progress(OcrProgress(UUID, "r.png", "r"))) == ["PENDING", "PROCESSING"]
    assert made.published(publish.message_id) == []


def test_the_same_request_again_is_not_published_again() -> None:
    made = _outstanding()
    (publish,) = _upload(made)
    assert isinstance(publish, Publish)
    assert _upload(made) == []
    made.published(publish.message_id)
    again = _upload(made)
    assert _said(again) == ["PENDING"]
    assert again[1:] == [TakeHeld()]
    made.answered(_delivery())
    assert _said(_upload(made)) == ["SUCCESS"]
    assert made.in_flight == 1


def test_what_an_earlier_broker_connection_confirmed_may_be_lost_and_is_published_again_when_asked_for() -> None:
    made = _outstanding()
    _accepted(made)
    assert isinstance(_upload(made, broker_connection=2)[0], Publish)
    assert made.in_flight == 1


def test_an_answer_that_can_be_tried_again_makes_the_same_request_a_new_attempt() -> None:
    made = _outstanding()
    _accepted(made)
    delivery = FakeDelivery(_answer(error_code="INTERNAL"))
    assert _said(made.answered(delivery)) == ["INTERNAL"]
    again = _upload(made)
    assert again[0] == Acknowledge(delivery)
    assert isinstance(again[1], Publish)


def test_a_refused_image_is_over_and_its_late_answer_dropped_until_it_is_sent_again() -> None:
    made = _outstanding()
    (publish,) = _upload(made)
    assert isinstance(publish, Publish)
    assert _said(made.not_published(publish.message_id, Refusal(ErrorCode.UNAVAILABLE))) == ["UNAVAILABLE"]
    assert made.in_flight == 0
    late = _delivery()
    assert made.answered(late) == [Acknowledge(late, repeated=True)]
    assert isinstance(_upload(made)[0], Publish)
    assert _said(made.answered(_delivery())) == ["PENDING", "SUCCESS"]


def test_an_answer_that_comes_twice_is_said_once() -> None:
    made = _outstanding()
    _accepted(made)
    first, second, third = _delivery(), _delivery(), _delivery()
    made.answered(first)
    assert made.answered(second) == [Acknowledge(second, repeated=True)]
    made.received(["r"])
    assert made.answered(third) == [Acknowledge(third, repeated=True)]


def test_an_answer_redelivered_by_a_broker_that_is_back_is_kept_but_not_said_again() -> None:
    made = _outstanding()
    _accepted(made)
    lost, again = _delivery(), _delivery()
    made.answered(lost)
    lost.is_live = False
    assert made.answered(again) == []
    assert made.received(["r"]) == [Acknowledge(again)]


def test_received_for_an_answer_whose_connection_was_lost_has_its_redelivery_dropped() -> None:
    made = _outstanding()
    _accepted(made)
    lost, again = _delivery(), _delivery()
    made.answered(lost)
    lost.is_live = False
    assert made.received(["r"]) == []
    assert made.answered(again) == [Acknowledge(again, repeated=True)]


def test_an_answer_for_a_client_that_is_away_is_held() -> None:
    made = _outstanding()
    _accepted(made)
    assert made.detached() == []
    delivery = _delivery()
    assert made.answered(delivery) == [Hold(delivery, "r", is_pending_said=True)]


def test_answers_without_received_are_held_when_the_client_goes_and_said_again_when_it_is_back() -> None:
    made = _outstanding()
    _accepted(made)
    delivery = _delivery()
    made.answered(delivery)
    assert made.detached() == [Hold(delivery, "r", is_pending_said=True)]
    assert made.attached() == []
    held = _delivery(is_held=True, is_pending_said=True)
    assert _said(made.answered(held)) == ["SUCCESS"]
    assert made.received(["r"]) == [Acknowledge(held)]


def test_a_held_answer_goes_back_to_its_queue_when_the_client_goes_again() -> None:
    made = _outstanding()
    held = _delivery(is_held=True)
    made.answered(held)
    assert made.detached() == [GiveBack(held)]


def test_an_answer_put_away_for_want_of_received_is_not_said_again_on_the_same_connection() -> None:
    made = _outstanding()
    _accepted(made)
    delivery = _delivery()
    made.answered(delivery)
    assert made.put_away(delivery) == [Hold(delivery, "r", is_pending_said=True)]
    held = _delivery(is_held=True)
    assert made.answered(held) == []
    assert made.received(["r"]) == [Acknowledge(held)]


def test_a_newer_connection_gets_at_once_what_the_older_one_was_sent_in_vain() -> None:
    made = _outstanding()
    _accepted(made)
    made.answered(_delivery())
    made.replaced([])
    assert _said(made.attached()) == ["SUCCESS"]


def test_an_answer_of_which_nothing_is_known_is_announced_by_pending() -> None:
    made = _outstanding()
    assert _said(made.answered(_delivery())) == ["PENDING", "SUCCESS"]


def test_pending_that_was_not_sent_any_more_is_said_before_the_answer() -> None:
    made = _outstanding()
    (publish,) = _upload(made)
    assert isinstance(publish, Publish)
    (pending,) = made.published(publish.message_id)
    assert isinstance(pending, Send)
    assert isinstance(pending.message, v2.Progress)
    made.detached([pending.message])
    made.attached()
    assert _said(made.answered(_delivery())) == ["PENDING", "SUCCESS"]


def test_what_is_confirmed_while_the_client_is_away_is_not_said_before_it_is_back() -> None:
    made = _outstanding()
    (publish,) = _upload(made)
    assert isinstance(publish, Publish)
    made.detached()
    assert made.published(publish.message_id) == []
    made.attached()
    assert _said(made.answered(_delivery())) == ["PENDING", "SUCCESS"]


def test_an_answer_on_its_way_is_waited_for_once_and_then_read_anew() -> None:
    made = _outstanding()
    _accepted(made)
    delivery = _delivery()
    made.answered(delivery)
    made.detached()
    made.attached()
    assert _upload(made) == []
    assert isinstance(_upload(made)[0], Publish)


def test_a_cancelled_request_is_answered_once_and_its_result_dropped() -> None:
    made = _outstanding()
    _accepted(made)
    actions = made.cancel(["r", "r"])
    assert actions[0] == CancelAtServers("r")
    assert _said(actions) == ["CANCELLED"]
    assert made.cancel(["r"]) == []
    late = _delivery()
    assert made.answered(late) == [Acknowledge(late, repeated=True)]


def test_a_cancelled_request_that_is_sent_again_is_cancelled_since_ocr_servers_skip_it() -> None:
    made = _outstanding()
    _accepted(made)
    made.cancel(["r"])
    assert _said(_upload(made)) == ["CANCELLED"]


def test_a_cancelled_request_is_remembered_however_many_others_are_answered() -> None:
    made = _outstanding()
    _accepted(made)
    made.cancel(["r"])
    for number in range(3 * REMEMBERED):
        _accepted(made, str(number))
        made.answered(_delivery(str(number)))
        made.received([str(number)])
    late = _delivery()
    assert made.answered(late) == [Acknowledge(late, repeated=True)]


def test_made_up_requests_in_a_cancel_do_not_push_out_real_ones() -> None:
    made = _outstanding()
    _accepted(made)
    made.cancel(["r"])
    made.cancel([str(number) for number in range(1000)])
    late = _delivery()
    assert made.answered(late) == [Acknowledge(late, repeated=True)]
    assert len(made._closed) <= REMEMBERED


def test_a_request_whose_answer_is_on_its_way_cannot_be_cancelled() -> None:
    made = _outstanding()
    _accepted(made)
    made.answered(_delivery())
    assert made.cancel(["r"]) == []


def test_a_request_accepted_before_this_gateway_was_started_can_be_cancelled() -> None:
    assert _said(_outstanding().cancel(["r"])) == ["CANCELLED"]


@pytest.mark.parametrize("is_correlated", [True, False])
def test_an_ocr_server_that_knows_v1_only_answers_the_right_request(is_correlated: bool) -> None:
    made = _outstanding()
    message_id = _accepted(made)
    answer = OcrAnswer(UUID, "r.png", "text")
    delivery = FakeDelivery(answer, correlation_id=message_id if is_correlated else None)
    (final,) = made.answered(delivery)
    assert isinstance(final, Send)
    assert isinstance(final.message, v2.Success)
    assert (final.message.request_id, final.message.confidence) == ("r", None)


def test_closed_requests_are_remembered_within_bounds() -> None:
    made = _outstanding()
    for number in range(3 * REMEMBERED):
        _accepted(made, str(number))
        made.answered(_delivery(str(number)))
        made.received([str(number)])
    assert len(made._closed) == REMEMBERED


class AnyOrder(RuleBasedStateMachine):
    """The broker's side is modelled: which answers it still has. None may go before the client has it."""

    def __init__(self) -> None:
        super().__init__()
        self.made = _outstanding()
        self.to_publish: list[Publish] = []
        self.accepted: set[str] = set()
        self.queue: list[str] = []  # answers at the broker that are not delivered
        self.held: list[str] = []
        self.out: list[FakeDelivery] = []  # delivered and not settled
        self.said: dict[str, int] = {}  # final answers on this connection
        self.allowed: dict[str, int] = {}
        self.got: set[str] = set()  # the client has said Received

    def carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Publish):
                self.to_publish.append(action)
            elif isinstance(action, Acknowledge | Hold | GiveBack):
                self.settle(action)
            elif isinstance(action, Send) and isinstance(action.message, v2.Success):
                assert self.made.is_attached
                self.said[action.message.request_id] = self.said.get(action.message.request_id, 0) + 1

    def settle(self, action: Acknowledge | Hold | GiveBack) -> None:
        delivery = action.delivery
        assert isinstance(delivery, FakeDelivery)
        self.out.remove(delivery)
        delivery.is_live = False
        if not isinstance(action, Acknowledge):
            self.held.append(delivery.answer.request_id)

    def deliver(self, delivery: FakeDelivery) -> None:
        self.out.append(delivery)
        self.carry_out(self.made.answered(delivery))

    @precondition(lambda self: self.made.is_attached)
    @rule(request_id=st.sampled_from(["a", "b", "c"]))
    def upload(self, request_id: str) -> None:
        if request_id not in self.got:
            self.allowed[request_id] = self.allowed.get(request_id, 1) + 1  # whoever asks again is told again
            self.carry_out(_upload(self.made, request_id))

    @precondition(lambda self: self.to_publish)
    @rule()
    def confirm(self) -> None:
        publish = self.to_publish.pop(0)
        self.queue.append(publish.request.request_id)
        self.accepted.add(publish.request.request_id)
        self.carry_out(self.made.published(publish.message_id))

    @precondition(lambda self: self.queue)
    @rule()
    def answer(self) -> None:
        self.deliver(_delivery(self.queue.pop(0)))

    @precondition(lambda self: self.held and self.made.is_attached)
    @rule()
    def take_from_the_held_queue(self) -> None:
        self.deliver(_delivery(self.held.pop(0), is_held=True))

    @precondition(lambda self: self.made.is_attached)
    @rule()
    def receive(self) -> None:
        self.got.update(self.said)
        self.carry_out(self.made.received(self.said))

    @precondition(lambda self: self.made.is_attached)
    @rule()
    def go(self) -> None:
        self.carry_out(self.made.detached())
        self.said.clear()
        self.allowed.clear()

    @precondition(lambda self: not self.made.is_attached)
    @rule()
    def come(self) -> None:
        self.carry_out(self.made.attached())

    @rule()
    def lose_the_broker(self) -> None:
        for delivery in self.out:
            delivery.is_live = False
            (self.held if delivery.is_held else self.queue).append(delivery.answer.request_id)
        self.out.clear()

    @invariant()
    def nothing_is_said_again_unasked(self) -> None:
        assert all(times <= self.allowed.get(request_id, 1) for request_id, times in self.said.items())

    @invariant()
    def no_answer_is_lost(self) -> None:
        kept = {*self.queue, *self.held, *(one.answer.request_id for one in self.out)}
        assert self.accepted <= kept | self.got


test_in_any_order_of_events_no_answer_is_lost_or_said_again_unasked = AnyOrder.TestCase
