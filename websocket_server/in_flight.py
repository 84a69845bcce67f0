"""The requests of one v2 client that are not yet Received: how far each is, and which one an answer means. Pure."""

import dataclasses
import enum
from collections.abc import Iterator

from protocol.errors import retry_after

from .actions import Delivery


class State(enum.Enum):
    """How far a request is."""

    PUBLISHING = enum.auto()
    ACCEPTED = enum.auto()
    ANSWERED = enum.auto()


@dataclasses.dataclass(slots=True)
class Request:
    """An image that a client has sent."""

    request_id: str
    image_file_name: str
    message_id: str
    state: State = State.PUBLISHING
    published_on: int = 0  # the broker connection, counted
    earlier_message_id: str = ""  # of an upload that was accepted, and may be lost: this is its second
    is_pending_said: bool = False
    delivery: Delivery | None = None  # of the final answer; None while there is none here
    is_sent: bool = False  # the final answer, on the present connection
    was_asked_for: bool = False  # by a repeated upload, while the answer is on its way here

    @property
    def live_delivery(self) -> Delivery | None:
        """Of its final answer, as long as that is here; None before it comes and after it is settled or lost."""
        return self.delivery if self.delivery is not None and self.delivery.is_live else None

    def is_to_be_published(self, broker_connection: int) -> bool:
        """True when its image, sent once more, has to be published once more. broker_connection: which one it is."""
        if self.state is State.PUBLISHING:
            return False
        if self.state is State.ACCEPTED:
            # A broker that is not a quorum may forget what it has confirmed when it restarts.
            return self.published_on != broker_connection
        if self.live_delivery is not None:
            return retry_after(self.live_delivery.answer.error_code) is not None
        # Its answer is on its way here, from the held queue or from a broker that is back. Asked for a second time, it
        # has had time enough to come.
        return self.was_asked_for


class InFlight:
    """The requests by RequestId and by message_id, in the order in which they arrived."""

    __slots__ = ("_by_message_id", "_requests")

    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}
        self._by_message_id: dict[str, Request] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._requests.values())

    def get(self, request_id: str) -> Request | None:
        """None when it is not in flight."""
        return self._requests.get(request_id)

    def with_message_id(self, message_id: str) -> Request | None:
        """The request whose image was published under this id, at the first or the second time; None when none was."""
        return self._by_message_id.get(message_id)

    def add(self, request: Request) -> None:
        """A request is in flight, in the place of an earlier one with its RequestId."""
        self.remove_message_ids(request.request_id)
        self._requests[request.request_id] = request
        for message_id in (request.message_id, request.earlier_message_id):
            if message_id:
                self._by_message_id[message_id] = request

    def remove(self, request_id: str) -> bool:
        """False when there is no such request."""
        self.remove_message_ids(request_id)
        return self._requests.pop(request_id, None) is not None

    def remove_message_ids(self, request_id: str) -> None:
        """Answers that do not tell their RequestId are not known for its own any more."""
        request = self._requests.get(request_id)
        if request is not None:
            for message_id in (request.message_id, request.earlier_message_id):
                self._by_message_id.pop(message_id, None)

    def back_to_earlier(self, request: Request) -> None:
        """The broker has not taken an image for the second time; the first time counts, which it had confirmed."""
        del self._by_message_id[request.message_id]
        request.state, request.message_id = State.ACCEPTED, request.earlier_message_id

    def meant_by(self, delivery: Delivery) -> str | None:
        """The RequestId that an answer is for, in flight or not; None where an OCR server that knows v1 only tells none
        and nobody waits for such an image."""
        answer = delivery.answer
        if answer.request_id:
            return answer.request_id
        if delivery.correlation_id:
            request = self._by_message_id.get(delivery.correlation_id)
            return None if request is None else request.request_id
        for request in self:
            if request.image_file_name == answer.image_file_name and request.state is not State.ANSWERED:
                return request.request_id
        return None
