"""What the supervisor and its processes say to each other over a pipe. Pure: only what is said, not how."""

import dataclasses
from enum import StrEnum


@dataclasses.dataclass(frozen=True)
class Started:
    """From a process: it runs. `pid` is also that of its process group."""

    pid: int


@dataclasses.dataclass(frozen=True)
class Pong:
    """From a process: it has heard a Ping. One that is stopped (SIGSTOP) does not."""


@dataclasses.dataclass(frozen=True)
class Connected:
    """From a process: it reaches the broker."""


@dataclasses.dataclass(frozen=True)
class Disconnected:
    """From a process: it does not reach the broker, and why."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Begun:
    """From a process: it begins to read this image, as its slate says too. With `asks`, it waits for a Verdict first.

    Only an image that was delivered before can have ended a process: for all others nobody needs to wait.
    waited: seconds since its gateway sent it; None when the message does not tell.
    """

    image_id: str
    asks: bool
    waited: float | None = None


@dataclasses.dataclass(frozen=True)
class Ended:
    """From a process: it has read an image. seconds: how long that took; None: not read."""

    seconds: float | None = None


@dataclasses.dataclass(frozen=True)
class Answered:
    """From a process: the broker has an image's answer. outcome: "SUCCESS" or the ErrorCode."""

    outcome: str


@dataclasses.dataclass(frozen=True)
class Skipped:
    """From a process: an image was cancelled, and is not read."""


@dataclasses.dataclass(frozen=True)
class Leaving:
    """From a process: it ends itself, because its engine does not end."""


@dataclasses.dataclass(frozen=True)
class Ping:
    """To a process: say that you run."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """To a process that asked: may the image be read, or has it ended processes as often as allowed?"""

    may_read: bool


@dataclasses.dataclass(frozen=True)
class Stop:
    """To a process: take no more images, answer those that were taken, return."""


class Outcome(StrEnum):
    """Why a process has returned."""

    STOPPED = "stopped"
    RECYCLED = "recycled"
    QUEUES_DIFFER = "queues differ"
    NO_ENGINE = "no engine"


@dataclasses.dataclass(frozen=True)
class Returned:
    """What a process returns in the end; `reason` is a sentence when something is wrong."""

    outcome: Outcome
    reason: str = ""


FromProcess = Started | Pong | Connected | Disconnected | Begun | Ended | Answered | Skipped | Leaving
ToProcess = Ping | Verdict | Stop
