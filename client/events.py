"""What goes into a session and what comes out: a request, its answer, and what a gateway's messages mean. Pure."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from .errors import ConnectionLost, ImageFailed

ANSWER_TIMEOUT: Final = 120.0


@dataclasses.dataclass(frozen=True, slots=True)
class Recognition:
    """The text of an image. seconds: from sending it to its answer.

    confidence: 0 to 100, the mean over words; elapsed_ms: the engine's time; steps: what was done to the image. None
    and nothing where there are no words, or from a gateway that speaks v1. outputs: what was asked for beside the text,
    by name; `pdf` is bytes.
    """

    image_file_name: str
    text: str
    seconds: float
    confidence: float | None = None
    elapsed_ms: float | None = None
    steps: tuple[str, ...] = ()
    outputs: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False, hash=False)


Answer = Recognition | ImageFailed | ConnectionLost


@dataclasses.dataclass(slots=True, eq=False)
class Request:
    """An image that wants an answer. The fields after `options` are the session's.

    timeout: seconds from sending to the answer; None leaves it to the session. answer_timeout: seconds without an
    answer after which v2 sends it again, and v1 gives it up. options: as in PROTOCOL.md; v2 only.
    """

    image_file_name: str
    image: bytes = dataclasses.field(repr=False)
    timeout: float | None = None
    answer_timeout: float = ANSWER_TIMEOUT
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    request_id: str = ""
    times_sent: int = 0
    sent_at: float = 0.0
    is_accepted: bool = False
    is_given_up: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Welcomed:
    """The gateway has answered the hello: images can be sent. is_kept: the ClientUUID is the one from before."""

    client_uuid: str
    is_kept: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """The gateway has answered the hello with a refusal. retry_after: seconds; None where that cannot help."""

    sentence: str
    retry_after: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Unknown:
    """The gateway does not know the ClientUUID that was to be resumed: another hello, as new, is in order."""

    sentence: str


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """PENDING: the image is in the queue."""

    request: Request


@dataclasses.dataclass(frozen=True, slots=True)
class Answered:
    """The final answer of an image: its text, or why there is none."""

    request: Request
    answer: Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Postponed:
    """The gateway cannot take the image now; it is sent again in `seconds`."""

    request: Request
    sentence: str
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Noted:
    """A message that is in order and changes nothing for the program: PROCESSING, or a repeat."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ignored:
    """A message that fits nothing that was sent."""

    sentence: str


Event = Welcomed | Refused | Unknown | Accepted | Answered | Postponed | Noted | Ignored
