"""The requests of one v2 client, over all its connections, pure: what happened goes in, what is to be done comes out.

A request is published, accepted (PENDING), answered (its final answer has been sent) and, with the client's Received,
closed. Closed ones, and those that nobody waits for any more, are remembered for a while, so that a late or repeated
answer for them is known for what it is. Underneath, answers come at least once; here they become one.
"""

import dataclasses
import enum
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from protocol import messages_v2 as v2
from protocol.bodies import OcrAnswer, OcrProgress, OcrRequest
from protocol.errors import ErrorCode, Refusal, retry_after

from .actions import Acknowledge, Action, CancelAtServers, Delivery, GiveBack, Hold, Publish, Send
from .session import FORM_FEED

REMEMBERED: Final = 128
"""Received requests that are remembered for each client; a repeat of the answer to an older one is sent again."""

UNWANTED: Final = 4
"""Cancelled and refused requests that are remembered for each client, in multiples of max_in_flight and at least
REMEMBERED: each may still have a result on its way."""


class _State(enum.Enum):
    PUBLISHING = enum.auto()
    ACCEPTED = enum.auto()
    ANSWERED = enum.auto()


@dataclasses.dataclass(slots=True)
class _Request:
    image_file_name: str
    message_id: str
    state: _State = _State.PUBLISHING
    published_on: int = 0  # the broker connection, counted
    earlier_message_id: str = ""  # of an upload that was accepted, and may be lost: this is its second
    is_pending_said: bool = False
    delivery: Delivery | None = None  # of the final answer; None while there is none here
    is_sent: bool = False  # the final answer, on the present connection
    was_asked_for: bool = False  # by a repeated upload, while the answer is on its way here


@dataclasses.dataclass(frozen=True, slots=True)
class _Unwanted:
    is_cancelled: bool  # else refused, and may be sent again
    connection: int  # the one on which that was said


class Outstanding:
    """What one client waits for. client_uuid: whose they are. Attached while the client has a connection."""

    __slots__ = (
        *("_connection", "_most_unwanted", "_new_message_id", "_received", "_request_ids", "_requests", "_unwanted"),
        *("client_uuid", "is_attached"),
    )

    def __init__(
        self, client_uuid: str, max_in_flight: int, new_message_id: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self.client_uuid = client_uuid
        self._new_message_id = new_message_id
        self._requests: dict[str, _Request] = {}  # by RequestId, in the order in which they arrived
        self._request_ids: dict[str, str] = {}  # by message_id, of the same
        self._received: OrderedDict[str, None] = OrderedDict()
        self._unwanted: OrderedDict[str, _Unwanted] = OrderedDict()
        self._most_unwanted = max(REMEMBERED, UNWANTED * max_in_flight)
        self._connection = 0
        self.is_attached = False

    @property
    def in_flight(self) -> int:
        """Requests that are not yet Received."""
        return len(self._requests)

    @property
    def unanswered(self) -> int:
        """Requests without a final answer: what the client waits for."""
        return sum(one.state is not _State.ANSWERED for one in self._requests.values())

    @property
    def message_ids(self) -> list[str]:
        """Of all that is in flight."""
        return [one.message_id for one in self._requests.values()]

    def has(self, request_id: str) -> bool:
        """True for a request that is in flight: sent again, it takes no more room."""
        return request_id in self._requests

    # The client's connection comes and goes

    def attached(self) -> list[Action]:
        """The client has a new connection: answers that are here go out on it."""
        self.is_attached = True
        self._connection += 1
        actions: list[Action] = []
        for request_id, one in self._requests.items():
            one.is_sent = False
            if one.delivery is not None and one.delivery.is_live:
                actions += self._final(request_id, one)
        return actions

    def detached(self, unsent: Iterable[v2.GatewayMessage] = ()) -> list[Action]:
        """The client has gone, for now: its answers go to its held queue. unsent: what it was not told any more."""
        self.replaced(unsent)
        return [
            action
            for request_id, one in self._requests.items()
            if one.delivery is not None
            for action in self._put_away(request_id, one)
        ]

    def replaced(self, unsent: Iterable[v2.GatewayMessage]) -> None:
        """Another connection of the client is about to take this one's place."""
        self.is_attached = False
        for message in unsent:
            if isinstance(message, v2.Progress) and message.request_id in self._requests:
                self._requests[message.request_id].is_pending_said = False

    def put_away(self, delivery: Delivery) -> list[Action]:
        """The client has not said Received for too long: this answer shall not stand in others' way."""
        for request_id, one in self._requests.items():
            if one.delivery is delivery:
                return self._put_away(request_id, one)
        return []

    def _put_away(self, request_id: str, one: _Request) -> list[Action]:
        delivery, one.delivery = one.delivery, None
        if delivery is None or not delivery.is_live:
            return []
        return [GiveBack(delivery) if delivery.is_held else Hold(delivery, request_id, one.is_pending_said)]

    # From the client

    def upload(self, upload: v2.Upload, broker_connection: int) -> list[Action]:
        """Take an image; one whose RequestId is in flight already is not published again, unless it may be lost.

        broker_connection: which one it is, counted: what an earlier one confirmed may not have survived everywhere.
        """
        request_id, one = upload.request_id, self._requests.get(upload.request_id)
        unwanted = self._unwanted.get(request_id)
        if unwanted is not None and unwanted.is_cancelled:
            # OCR servers skip it as long as they remember it: it would never have an answer.
            return [Send(v2.refusal(Refusal(ErrorCode.CANCELLED), request_id, upload.image_file_name))]
        actions: list[Action] = []
        if one is not None:
            if not self._is_new_attempt(one, broker_connection):
                return self._again(request_id, one)
            if one.delivery is not None and one.delivery.is_live:
                actions.append(Acknowledge(one.delivery))
            self._forget_message_ids(one)
        earlier = one.message_id if one is not None and one.state is _State.ACCEPTED else ""
        self._received.pop(request_id, None)
        self._unwanted.pop(request_id, None)
        message_id = self._new_message_id()
        self._add(
            request_id,
            _Request(upload.image_file_name, message_id, published_on=broker_connection, earlier_message_id=earlier),
        )
        request = OcrRequest(self.client_uuid, upload.image_file_name, upload.image, request_id, upload.options)
        return [*actions, Publish(message_id, request)]

    def _is_new_attempt(self, one: _Request, broker_connection: int) -> bool:
        if one.state is _State.PUBLISHING:
            return False
        if one.state is _State.ACCEPTED:
            # A broker that is not a quorum may forget what it has confirmed when it restarts.
            return one.published_on != broker_connection
        if one.delivery is not None and one.delivery.is_live:
            return retry_after(one.delivery.answer.error_code) is not None
        # Its answer is on its way here, from the held queue or from a broker that is back. Asked for a second time, it
        # has had time enough to come.
        return one.was_asked_for

    def _again(self, request_id: str, one: _Request) -> list[Action]:
        if one.state is _State.PUBLISHING:
            return []  # PENDING is to come
        if one.state is _State.ACCEPTED:
            return self._say_pending(request_id, one)
        one.was_asked_for, one.is_sent = True, False
        return self._final(request_id, one) if one.delivery is not None and one.delivery.is_live else []

    def received(self, request_ids: Iterable[str]) -> list[Action]:
        """The client has these final answers."""
        actions: list[Action] = []
        for request_id in request_ids:
            one = self._requests.get(request_id)
            if one is None or one.state is not _State.ANSWERED:
                continue
            self._forget(request_id)
            self._received[request_id] = None
            if len(self._received) > REMEMBERED:
                self._received.popitem(last=False)
            if one.delivery is not None and one.delivery.is_live:
                actions.append(Acknowledge(one.delivery))
        return actions

    def cancel(self, request_ids: Iterable[str]) -> list[Action]:
        """The client does not want these any more; each without an answer gets one FAILED CANCELLED."""
        actions: list[Action] = []
        for request_id in dict.fromkeys(request_ids):
            one = self._requests.get(request_id)
            if one is not None and one.state is _State.ANSWERED:
                continue  # the final answer is on its way
            unwanted = self._unwanted.get(request_id)
            if one is None and (request_id in self._received or (unwanted and unwanted.connection == self._connection)):
                continue
            name = "" if one is None else one.image_file_name  # None: accepted before this gateway was started
            self._drop(request_id, is_cancelled=True)
            told = v2.refusal(Refusal(ErrorCode.CANCELLED), request_id, name)
            actions += [CancelAtServers(request_id, was_known=one is not None), Send(told)]
        return actions

    # From the broker

    def published(self, message_id: str) -> list[Action]:
        """The broker has confirmed an image. Nothing is to be said when its answer was faster."""
        request_id = self._request_ids.get(message_id)
        if request_id is None:
            return []
        one = self._requests[request_id]
        if one.state is not _State.PUBLISHING:
            return []
        one.state = _State.ACCEPTED
        return self._say_pending(request_id, one) if self.is_attached else []

    def not_published(self, message_id: str, refusal: Refusal) -> list[Action]:
        """The broker has not taken an image. Should an answer come all the same, nobody waits for it."""
        request_id = self._request_ids.get(message_id)
        if request_id is None or self._requests[request_id].state is not _State.PUBLISHING:
            return []
        one = self._requests[request_id]
        if one.earlier_message_id:  # it was accepted before, and most probably still is
            del self._request_ids[message_id]
            one.state, one.message_id = _State.ACCEPTED, one.earlier_message_id
            return self._say_pending(request_id, one) if self.is_attached else []
        self._drop(request_id, is_cancelled=False)
        return [Send(v2.refusal(refusal, request_id, one.image_file_name), message_id)]

    def progress(self, progress: OcrProgress) -> list[Action]:
        """An OCR process has begun to read an image."""
        one = self._requests.get(progress.request_id)
        if one is None or one.state is _State.ANSWERED or not self.is_attached:
            return []
        sends = [] if one.is_pending_said else self._say_pending(progress.request_id, one)
        one.state = _State.ACCEPTED
        said = v2.Progress("PROCESSING", one.image_file_name, progress.request_id)
        return [*sends, Send(said, one.message_id)]

    def answered(self, delivery: Delivery) -> list[Action]:
        """An answer has come: from an OCR server, from the held queue, or once more from a broker that is back."""
        request_id = self._request_id(delivery)
        is_closed = request_id in self._received or request_id in self._unwanted
        if request_id is None or (is_closed and request_id not in self._requests):
            return [Acknowledge(delivery, repeated=True)]
        one = self._requests.get(request_id)
        if one is None:
            # Accepted by another gateway, or by this one before it was started anew.
            name = delivery.answer.image_file_name
            one = _Request(name, delivery.correlation_id or "")
            self._add(request_id, one)
        if one.delivery is not None and one.delivery.is_live:
            return [Acknowledge(delivery, repeated=True)]
        one.state, one.delivery = _State.ANSWERED, delivery
        one.is_pending_said = one.is_pending_said or delivery.is_pending_said
        if not self.is_attached:
            return self._put_away(request_id, one)
        return [] if one.is_sent else self._final(request_id, one)

    def has_answer(self, delivery: Delivery) -> bool:
        """True when an answer for its request has come before."""
        request_id = self._request_id(delivery)
        one = None if request_id is None else self._requests.get(request_id)
        return one is not None and one.state is _State.ANSWERED

    def _request_id(self, delivery: Delivery) -> str | None:
        """Which request is meant; an OCR server that knows v1 only does not tell."""
        answer = delivery.answer
        if answer.request_id:
            return answer.request_id
        if delivery.correlation_id:
            return self._request_ids.get(delivery.correlation_id)
        for request_id, one in self._requests.items():
            if one.image_file_name == answer.image_file_name and one.state is not _State.ANSWERED:
                return request_id
        return None

    def _add(self, request_id: str, one: _Request) -> None:
        self._requests[request_id] = one
        for message_id in (one.message_id, one.earlier_message_id):
            if message_id:
                self._request_ids[message_id] = request_id

    def _forget(self, request_id: str) -> bool:
        """False when there is no such request in flight."""
        one = self._requests.pop(request_id, None)
        if one is not None:
            self._forget_message_ids(one)
        return one is not None

    def _forget_message_ids(self, one: _Request) -> None:
        for message_id in (one.message_id, one.earlier_message_id):
            self._request_ids.pop(message_id, None)

    # To the client

    def _say_pending(self, request_id: str, one: _Request) -> list[Action]:
        one.is_pending_said = True
        return [Send(v2.Progress("PENDING", one.image_file_name, request_id), one.message_id)]

    def _final(self, request_id: str, one: _Request) -> list[Action]:
        assert one.delivery is not None
        one.is_sent = True
        sends = [] if one.is_pending_said else self._say_pending(request_id, one)
        return [*sends, Send(_final_message(one.delivery.answer, request_id, one.image_file_name), one.message_id)]

    def _drop(self, request_id: str, *, is_cancelled: bool) -> None:
        """Nobody waits for this request any more; a result of it may still come."""
        was_known = self._forget(request_id)
        self._unwanted.pop(request_id, None)
        if len(self._unwanted) >= self._most_unwanted:
            if not was_known:
                return  # what a client makes up shall not push out what it had sent
            self._unwanted.popitem(last=False)
        self._unwanted[request_id] = _Unwanted(is_cancelled, self._connection)


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
