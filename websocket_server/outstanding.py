"""The requests of one v2 client, over all its connections, pure: what happened goes in, what is to be done comes out.

A request is published, accepted (PENDING), answered (its final answer has been sent) and, with the client's Received,
closed. Closed ones, and those that nobody waits for any more, are remembered for a while, so that a late or repeated
answer for them is known for what it is. Underneath, answers come at least once; here they become one.
"""

import secrets
from collections.abc import Callable, Iterable

from protocol import messages_v2 as v2
from protocol.bodies import Addressee, OcrAnswer, OcrProgress, OcrRequest
from protocol.errors import ErrorCode, Refusal

from .actions import Acknowledge, Action, CancelAtServers, Delivery, GiveBack, Hold, Publish, Send, TakeHeld
from .closed_requests import ClosedRequests
from .in_flight import InFlight, Request, State
from .session import FORM_FEED


class Outstanding:
    """What one client waits for. client_uuid: whose they are. Attached while the client has a connection."""

    __slots__ = ("_closed", "_connection", "_new_message_id", "_requests", "client_uuid", "is_attached")

    def __init__(
        self, client_uuid: str, max_in_flight: int, new_message_id: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self.client_uuid = client_uuid
        self._new_message_id = new_message_id
        self._requests = InFlight()
        self._closed = ClosedRequests(max_in_flight)
        self._connection = 0
        self.is_attached = False

    @property
    def in_flight(self) -> int:
        """Requests that are not yet Received."""
        return len(self._requests)

    @property
    def unanswered(self) -> int:
        """Requests without a final answer: what the client waits for."""
        return sum(one.state is not State.ANSWERED for one in self._requests)

    @property
    def message_ids(self) -> list[str]:
        """Of all that is in flight."""
        return [one.message_id for one in self._requests]

    def asker(self, message_id: str) -> Addressee | None:
        """Whom the answer to this image is for; None when it is none of this client's, or no more."""
        one = self._requests.with_message_id(message_id)
        return None if one is None else Addressee(self.client_uuid, one.image_file_name, one.request_id)

    def has(self, request_id: str) -> bool:
        """True for a request that is in flight: sent again, it takes no more room."""
        return self._requests.get(request_id) is not None

    # The client's connection comes and goes

    def attached(self) -> list[Action]:
        """The client has a new connection: answers that are here go out on it."""
        self.is_attached = True
        self._connection += 1
        actions: list[Action] = []
        for one in self._requests:
            one.is_sent = False
            if one.live_delivery is not None:
                actions += _final(one)
        return actions

    def detached(self, unsent: Iterable[v2.GatewayMessage] = ()) -> list[Action]:
        """The client has gone, for now: its answers go to its held queue. unsent: what it was not told any more."""
        self.replaced(unsent)
        return [action for one in self._requests for action in _put_away(one)]

    def replaced(self, unsent: Iterable[v2.GatewayMessage]) -> None:
        """Another connection of the client is about to take this one's place."""
        self.is_attached = False
        for message in unsent:
            one = self._requests.get(message.request_id) if isinstance(message, v2.Progress) else None
            if one is not None:
                one.is_pending_said = False

    def put_away(self, delivery: Delivery) -> list[Action]:
        """The client has not said Received for too long: this answer shall not stand in others' way."""
        for one in self._requests:
            if one.delivery is delivery:
                return _put_away(one)
        return []

    # From the client

    def upload(self, upload: v2.Upload, broker_connection: int) -> list[Action]:
        """Take an image; one whose RequestId is in flight already is not published again, unless it may be lost.

        broker_connection: which one it is, counted: what an earlier one confirmed may not have survived everywhere.
        """
        request_id, name = upload.request_id, upload.image_file_name
        if self._closed.is_cancelled(request_id):
            # OCR servers skip it as long as they remember it: it would never have an answer.
            return [Send(v2.refusal(Refusal(ErrorCode.CANCELLED), request_id, name))]
        actions: list[Action] = []
        earlier_message_id = ""
        one = self._requests.get(request_id)
        if one is not None:
            if not one.is_to_be_published(broker_connection):
                return self._again(one)
            if one.live_delivery is not None:
                actions.append(Acknowledge(one.live_delivery))
            earlier_message_id = one.message_id if one.state is State.ACCEPTED else ""
        self._closed.opened(request_id)
        message_id = self._new_message_id()
        self._requests.add(
            Request(
                request_id,
                name,
                message_id,
                published_on=broker_connection,
                earlier_message_id=earlier_message_id,
            )
        )
        request = OcrRequest(self.client_uuid, name, upload.image, request_id, upload.options)
        return [*actions, Publish(message_id, request)]

    @staticmethod
    def _again(one: Request) -> list[Action]:
        if one.state is State.PUBLISHING:
            return []  # PENDING is to come
        if one.state is State.ACCEPTED:
            return [*_say_pending(one), TakeHeld()]
        one.was_asked_for, one.is_sent = True, False
        return [] if one.live_delivery is None else _final(one)

    def received(self, request_ids: Iterable[str]) -> list[Action]:
        """The client has these final answers."""
        actions: list[Action] = []
        for request_id in request_ids:
            one = self._requests.get(request_id)
            if one is None or one.state is not State.ANSWERED:
                continue
            self._requests.remove(request_id)
            self._closed.received(request_id)
            if one.live_delivery is not None:
                actions.append(Acknowledge(one.live_delivery))
        return actions

    def cancel(self, request_ids: Iterable[str]) -> list[Action]:
        """The client does not want these any more; each without an answer gets one FAILED CANCELLED."""
        actions: list[Action] = []
        for request_id in dict.fromkeys(request_ids):
            one = self._requests.get(request_id)
            if one is not None and one.state is State.ANSWERED:
                continue  # the final answer is on its way
            if one is None and self._closed.was_told(request_id, self._connection):
                continue
            name = "" if one is None else one.image_file_name  # None: accepted before this gateway was started
            self._drop(request_id, is_cancelled=True)
            told = v2.refusal(Refusal(ErrorCode.CANCELLED), request_id, name)
            actions += [CancelAtServers(request_id, was_known=one is not None), Send(told)]
        return actions

    # From the broker

    def published(self, message_id: str) -> list[Action]:
        """The broker has confirmed an image. Nothing is to be said when its answer was faster."""
        one = self._requests.with_message_id(message_id)
        if one is None or one.state is not State.PUBLISHING:
            return []
        one.state = State.ACCEPTED
        return _say_pending(one) if self.is_attached else []

    def not_published(self, message_id: str, refusal: Refusal) -> list[Action]:
        """The broker has not taken an image. Should an answer come all the same, nobody waits for it."""
        one = self._requests.with_message_id(message_id)
        if one is None or one.state is not State.PUBLISHING:
            return []
        if one.earlier_message_id:  # it was accepted before, and most probably still is
            self._requests.back_to_earlier(one)
            return _say_pending(one) if self.is_attached else []
        self._drop(one.request_id, is_cancelled=False)
        return [Send(v2.refusal(refusal, one.request_id, one.image_file_name), message_id)]

    def progress(self, progress: OcrProgress) -> list[Action]:
        """An OCR process has begun to read an image."""
        one = self._requests.get(progress.request_id)
        if one is None or one.state is State.ANSWERED or not self.is_attached:
            return []
        sends = [] if one.is_pending_said else _say_pending(one)
        one.state = State.ACCEPTED
        said = v2.Progress("PROCESSING", one.image_file_name, one.request_id)
        return [*sends, Send(said, one.message_id)]

    def answered(self, delivery: Delivery) -> list[Action]:
        """An answer has come: from an OCR server, from the held queue, or once more from a broker that is back."""
        request_id = self._requests.meant_by(delivery)
        one = None if request_id is None else self._requests.get(request_id)
        if request_id is None or (one is None and request_id in self._closed):
            return [Acknowledge(delivery, repeated=True)]
        if one is None:
            # Accepted by another gateway, or by this one before it was started anew.
            one = Request(request_id, delivery.answer.image_file_name, delivery.correlation_id or "")
            self._requests.add(one)
        if one.live_delivery is not None:
            return [Acknowledge(delivery, repeated=True)]
        one.state, one.delivery = State.ANSWERED, delivery
        one.is_pending_said = one.is_pending_said or delivery.is_pending_said
        if not self.is_attached:
            return _put_away(one)
        return [] if one.is_sent else _final(one)

    def has_answer(self, delivery: Delivery) -> bool:
        """True when an answer for its request has come before."""
        request_id = self._requests.meant_by(delivery)
        one = None if request_id is None else self._requests.get(request_id)
        return one is not None and one.state is State.ANSWERED

    def _drop(self, request_id: str, *, is_cancelled: bool) -> None:
        """Nobody waits for this request any more; a result of it may still come."""
        was_in_flight = self._requests.remove(request_id)
        self._closed.unwanted(request_id, self._connection, is_cancelled=is_cancelled, was_in_flight=was_in_flight)


def _put_away(one: Request) -> list[Action]:
    delivery, one.delivery = one.live_delivery, None
    if delivery is None:
        return []
    return [GiveBack(delivery) if delivery.is_held else Hold(delivery, one.request_id, one.is_pending_said)]


def _say_pending(one: Request) -> list[Action]:
    one.is_pending_said = True
    return [Send(v2.Progress("PENDING", one.image_file_name, one.request_id), one.message_id)]


def _final(one: Request) -> list[Action]:
    assert one.delivery is not None
    one.is_sent = True
    sends = [] if one.is_pending_said else _say_pending(one)
    return [*sends, Send(_final_message(one.delivery.answer, one.request_id, one.image_file_name), one.message_id)]


def _final_message(answer: OcrAnswer, request_id: str, name: str) -> v2.Success | v2.Failure:
    if answer.error_code:
        return v2.failure(answer.error_code, answer.error_message or answer.error_code, request_id, name)
    details = answer.details
    return v2.Success(
        name,
        answer.ocr_result.removesuffix(FORM_FEED),
        request_id,
        details.confidence,
        details.elapsed_ms,
        dict(details.outputs),
        details.steps,
    )
