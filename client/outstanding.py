"""Images of v2 between first upload and final answer: when each is sent again, and when it is given up. Pure."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Final

from .errors import AnswerTimeout, ImageFailed
from .events import Request

TIMEOUTS_PER_IMAGE: Final = 3
"""How many answer_timeouts an image has whose caller has set no time of its own."""

LONGEST_RETRY: Final = 30.0
"""Seconds to which the pause between refusals grows; a gateway's own RetryAfter counts even if it is longer."""

_SHORTEST_RETRY: Final = 0.1
_MOST_DOUBLINGS: Final = 10


def seconds_allowed(request: Request) -> float:
    """How long the answer of an image may take, from sending it for the first time."""
    return TIMEOUTS_PER_IMAGE * request.answer_timeout if request.timeout is None else request.timeout


@dataclasses.dataclass(slots=True)
class Outstanding:
    """An image without a final answer. Times are in seconds on the caller's clock.

    due: when to send it again. is_there: the gateway has accepted it, or has been sent it on this connection.
    """

    request: Request
    first_sent_at: float
    due: float = 0.0
    is_there: bool = False
    refusals: int = 0
    last_refusal: str = ""

    @property
    def deadline(self) -> float:
        """When it is given up."""
        return self.first_sent_at + seconds_allowed(self.request)

    def sent(self, now: float) -> None:
        """It is on its way, perhaps once more."""
        self.request.times_sent += 1
        self.request.sent_at = now
        self.is_there, self.due = True, now + self.request.answer_timeout

    def accepted(self) -> bool:
        """PENDING or PROCESSING came; False when that was known."""
        is_news = not self.request.is_accepted
        self.is_there = self.request.is_accepted = True
        self.due = self.request.sent_at + self.request.answer_timeout
        return is_news

    def refused(self, retry_after: float, sentence: str, chance: float, now: float) -> float:
        """The gateway does not take it now; the seconds in which to try again.

        They double with each refusal, and are a quarter longer by `chance` (0 to 1): images that were refused together
        shall not come back together.
        """
        asked = max(_SHORTEST_RETRY, retry_after)  # also for a NaN
        grown = min(asked * 2.0**self.refusals, LONGEST_RETRY)
        self.refusals = min(self.refusals + 1, _MOST_DOUBLINGS)
        self.last_refusal = sentence
        seconds = max(asked, grown) * (1 + chance / 4)
        self.is_there = self.request.is_accepted = False
        self.due = now + seconds
        return seconds

    def lost(self) -> None:
        """The gateway may never have got it, or does not know it any more: it is to be sent again at once."""
        self.is_there = self.request.is_accepted = False
        self.due = 0.0

    def too_late(self) -> ImageFailed:
        """Why it is given up: the gateway's last refusal, or the time."""
        request = self.request
        if self.last_refusal and not request.is_accepted:
            return ImageFailed(request.image_file_name, self.last_refusal)
        how_far = "was accepted, but not answered" if request.is_accepted else "was not accepted"
        return AnswerTimeout(
            request.image_file_name,
            f"The image {how_far} within {seconds_allowed(request):g} s. See that an OCR server runs, "
            "or raise answer_timeout.",
        )


class AllOutstanding:
    """The outstanding images of a client by their RequestIds, the oldest first; and when to look at them again.

    Between two messages mostly nothing is due: to look through all of them each time cost more than the messages.

    max_in_flight: how many the gateway takes at a time.
    """

    def __init__(self, max_in_flight: int) -> None:
        self.max_in_flight = max_in_flight
        self._all: dict[str, Outstanding] = {}
        self._are_all_there = True
        self._look_at: float | None = None  # None: to be worked out. It may be too early, never too late.

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Outstanding]:
        return iter(list(self._all.values()))

    def get(self, request_id: str) -> Outstanding | None:
        """None when no image with this RequestId is outstanding."""
        return self._all.get(request_id)

    def sent(self, request: Request, now: float) -> None:
        """An image is on its way, for the first time or again."""
        one = self._all.setdefault(request.request_id, Outstanding(request, now))
        one.sent(now)
        if self._look_at is not None:
            self._look_at = min(self._look_at, one.due, one.deadline)

    def accepted(self, one: Outstanding) -> bool:
        """The gateway has it; False when that was known."""
        if not one.is_there:
            self._look_at = None
        return one.accepted()

    def remove(self, one: Outstanding) -> None:
        """It has its final answer."""
        del self._all[one.request.request_id]
        if not self._are_all_there:  # there is room for one of the others
            self._look_at = None

    def clear(self) -> None:
        """All are someone else's now."""
        self._all.clear()

    def changed(self) -> None:
        """The gateway does not have an image any more, or takes more or fewer at a time."""
        self._look_at = None

    def due(self, now: float) -> list[Request]:
        """Images to be sent again now."""
        if now < self.look_at:
            return []
        self._look_at = None
        return [one.request for one in self._sendable() if one.due <= now]

    def too_late(self, now: float) -> list[Outstanding]:
        """Images to be given up now."""
        if now < self.look_at:
            return []
        self._look_at = None
        return [one for one in self if now >= one.deadline]

    @property
    def look_at(self) -> float:
        """When an image may be due, or too late. Infinite without images."""
        if self._look_at is None:
            self._look_at = min(self.first_deadline, *(one.due for one in self._sendable()), math.inf)
        return self._look_at

    @property
    def first_deadline(self) -> float:
        """When the first image is to be given up. Infinite without images."""
        return min((one.deadline for one in self._all.values()), default=math.inf)

    def _sendable(self) -> list[Outstanding]:
        # This gateway may take fewer images at a time than the last one did.
        there = [one for one in self._all.values() if one.is_there]
        others = [one for one in self._all.values() if not one.is_there]
        self._are_all_there = not others
        return there + others[: max(0, self.max_in_flight - len(there))]
