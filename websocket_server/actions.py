"""What a session decides shall be done. Pure: who does it is `gateway`."""

import dataclasses
from typing import Protocol

from protocol import messages_v2 as v2
from protocol.bodies import OcrAnswer, OcrRequest
from protocol.messages import Assigned, Response


class Delivery(Protocol):
    """A final answer that the broker has handed over and still keeps, until it is acknowledged or given back."""

    @property
    def answer(self) -> OcrAnswer:
        """What the OCR server says."""

    @property
    def correlation_id(self) -> str | None:
        """The message_id of its request; None from an OCR server that sets none."""

    @property
    def is_pending_said(self) -> bool:
        """True when it is known that the client has had PENDING for it."""

    @property
    def is_held(self) -> bool:
        """True when it comes from the client's held queue."""

    @property
    def is_live(self) -> bool:
        """False once it is settled, or the connection is lost that it came by: then it comes again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Greet:
    """A v1 client has said hello and got its ClientUUID; `message` is the answer."""

    client_name: str
    message: Assigned


@dataclasses.dataclass(frozen=True, slots=True)
class Enter:
    """A v2 client has said hello."""

    hello: v2.Hello


@dataclasses.dataclass(frozen=True, slots=True)
class Publish:
    """Put this image into the queue, and say afterwards what became of it."""

    message_id: str
    request: OcrRequest


@dataclasses.dataclass(frozen=True, slots=True)
class Send:
    """Send this to the client. `message_id` is that of an image that was to be published, else None.

    code: why something is refused, "" for everything else.
    """

    message: Assigned | Response | v2.GatewayMessage
    message_id: str | None = None
    code: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Acknowledge:
    """This answer has arrived, or nobody wants it. repeated: another one for its request has come before."""

    delivery: Delivery
    repeated: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Hold:
    """Move this answer to the client's held queue."""

    delivery: Delivery
    request_id: str
    is_pending_said: bool


@dataclasses.dataclass(frozen=True, slots=True)
class GiveBack:
    """This answer stays in the held queue that it came from."""

    delivery: Delivery


@dataclasses.dataclass(frozen=True, slots=True)
class TakeHeld:
    """The client misses an answer: another gateway may have put it into the client's held queue."""


@dataclasses.dataclass(frozen=True, slots=True)
class CancelAtServers:
    """Have the OCR servers skip this request. was_known: it was accepted here."""

    request_id: str
    was_known: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Close:
    """End the connection."""

    code: int
    reason: str


Action = Greet | Enter | Publish | Send | Acknowledge | Hold | GiveBack | TakeHeld | CancelAtServers | Close
