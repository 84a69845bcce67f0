"""One conversation with a gateway (v1), pure: frames in, events out. No socket, no clock: the time is an argument.

v1 has no request ids. An answer belongs to the image of its name; of two with one name that are outstanding, to the
one that was sent first.
"""

from collections.abc import Callable
from typing import Final

from protocol.messages import (
    Hello,
    Response,
    UndecodableMessage,
    Upload,
    decode_assigned,
    decode_response,
    encode,
    encode_image,
)

from .errors import TOO_BIG, AnswerTimeout, ConnectionLost, ImageFailed
from .events import Accepted, Answered, Event, Ignored, Recognition, Refused, Request, Welcomed

SENDS_PER_IMAGE: Final = 2
"""How often an image is sent whose connection breaks: one that brings the gateway down shall not do so for ever."""


class Session:
    """The state of one connection's conversation.

    max_in_flight: how many images may be outstanding at a time. Whatever arrives, `receive` never raises.
    """

    def __init__(self, client_name: str, max_in_flight: int = 1) -> None:
        self.client_uuid = ""
        self._client_name = client_name
        self._max_in_flight = max_in_flight
        # In the order of sending. Images that were given up stay: their late answers must not go to a namesake.
        self._sent: list[Request] = []

    @property
    def outstanding(self) -> list[Request]:
        """Images that were sent and still wait for their final answer, the oldest first."""
        return [one for one in self._sent if not one.is_given_up]

    @property
    def in_flight(self) -> int:
        """How many are outstanding."""
        return len(self.outstanding)

    @property
    def has_room(self) -> bool:
        """True when another image may be sent."""
        return bool(self.client_uuid) and self.in_flight < self._max_in_flight

    def hello(self) -> bytes:
        """The first frame to send."""
        return encode(Hello(self._client_name))

    def upload(self, request: Request, now: float) -> bytes:
        """The frame that sends an image; it is outstanding from now on."""
        request.times_sent += 1
        request.sent_at = now
        request.is_accepted = False
        self._sent.append(request)
        return encode(Upload(self.client_uuid, request.image_file_name, encode_image(request.image)))

    def due(self, _now: float) -> list[Request]:
        """Outstanding images to be sent again now: none, v1 gives up instead."""
        return []

    def to_say(self) -> list[bytes]:
        """Frames about what was received or is not wanted: v1 has no words for it."""
        return []

    def taken(self, request: Request) -> None:
        """The program has the answer."""

    def receive(self, frame: bytes, now: float) -> Event:
        """Take a frame from the gateway."""
        try:
            return self._answer(decode_response(frame), now) if self.client_uuid else self._welcome(frame)
        except UndecodableMessage as error:
            return Ignored(f"a message of the gateway is not understood and ignored: {error.__cause__ or error}")

    def _welcome(self, frame: bytes) -> Event:
        try:
            assigned = decode_assigned(frame)
        except UndecodableMessage:
            response = decode_response(frame)
            if response.response_message == "FAILED":
                return Refused(response.ocr_result)
            return Ignored("an answer came before the ClientUUID and is ignored")
        self.client_uuid = assigned.client_uuid
        return Welcomed(assigned.client_uuid)

    def _answer(self, response: Response, now: float) -> Event:
        name = response.image_file_name
        if not response.is_final:
            waiting = self._first(lambda one: one.image_file_name == name and not one.is_accepted)
            if waiting is None:
                return Ignored(f"PENDING came for an image that was not sent, and is ignored: {name}")
            waiting.is_accepted = True
            return Accepted(waiting)
        request = self._first(lambda one: one.image_file_name == name)
        if request is None and not name:
            # A refusal of a message whose name could not be read: refusals come in the order of sending. Or the one
            # image there is.
            request = self._first(lambda one: not one.is_accepted or len(self._sent) == 1)
        if request is None:
            return Ignored(f"an answer came for an image that was not sent, and is ignored: {name}")
        self._sent.remove(request)
        if request.is_given_up:
            return Ignored(f"the answer for {name} came after its time limit, and is ignored")
        if response.response_message == "FAILED":
            return Answered(request, ImageFailed(request.image_file_name, response.ocr_result))
        return Answered(request, Recognition(request.image_file_name, response.ocr_result, now - request.sent_at))

    def _first(self, fits: Callable[[Request], bool]) -> Request | None:
        return next(filter(fits, self._sent), None)

    def seconds_for(self, request: Request, now: float) -> float:
        """Seconds that are left for an outstanding image."""
        return _gives_up_at(request) - now

    def seconds_left(self, now: float) -> float:
        """Seconds until the first outstanding image is to be given up; never below 0. Needs one outstanding."""
        return max(0.0, min(map(_gives_up_at, self.outstanding)) - now)

    def give_up(self, now: float) -> list[Answered]:
        """Close the requests whose time is over."""
        late = [one for one in self.outstanding if now >= _gives_up_at(one)]
        for request in late:
            request.is_given_up = True
        return [Answered(one, _timeout(one)) for one in late]

    def cancel(self) -> None:
        """Nobody waits for anything any more."""
        self._sent.clear()

    def hand_over(self) -> list[Request]:
        """The images that the next session is to send: none, they are the result of `broken`."""
        return []

    def broken(self, lost: ConnectionLost) -> tuple[list[Request], list[Answered]]:
        """End with the connection: which images are to be sent again on a new one, and which are not."""
        again, self._sent = self.outstanding, []
        if lost.close_code == TOO_BIG and again:
            # The largest is the one that was too large; the others only shared its connection.
            culprit = max(again, key=lambda one: len(one.image))
            again.remove(culprit)
            for innocent in again:
                innocent.times_sent -= 1
            return again, [Answered(culprit, ImageFailed(culprit.image_file_name, str(lost)))]
        ended = [one for one in again if one.times_sent >= SENDS_PER_IMAGE]
        return [one for one in again if one not in ended], [Answered(one, lost) for one in ended]


def _seconds(request: Request) -> float:
    return request.answer_timeout if request.timeout is None else request.timeout


def _gives_up_at(request: Request) -> float:
    return request.sent_at + _seconds(request)


def _timeout(request: Request) -> AnswerTimeout:
    how_far = "was accepted, but not answered" if request.is_accepted else "was not accepted"
    return AnswerTimeout(
        request.image_file_name,
        f"The image {how_far} within {_seconds(request):g} s. See that an OCR server runs, or raise answer_timeout.",
    )
