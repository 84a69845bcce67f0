"""A client's conversation with gateways (v2), pure: frames in, events out, over all the connections that it takes.

No socket, no clock: the time is an argument. An image is outstanding from its first upload to its one final answer.
PENDING, a refusal with RetryAfter, a broken connection and a forgetful gateway only decide when it is sent again,
always with the same RequestId. The final answer closes the RequestId; what comes for it afterwards is a repeat.
"""

import base64
import contextlib
import random
import secrets
from collections.abc import Callable
from typing import Any

from protocol.codecs_v2 import MSGPACK, Codec
from protocol.errors import ErrorCode
from protocol.messages_v2 import (
    BINARY_OUTPUTS,
    MAX_REQUEST_IDS,
    BadMessage,
    Cancel,
    Failure,
    Hello,
    Progress,
    Received,
    Success,
    Upload,
    Welcome,
)

from .closed_requests import ClosedRequests
from .errors import NOT_ALLOWED, REPLACED, TOO_BIG, ConnectionLost, ImageFailed
from .events import (
    Accepted,
    Answer,
    Answered,
    Event,
    Ignored,
    Noted,
    Postponed,
    Recognition,
    Refused,
    Request,
    Unknown,
    Welcomed,
)
from .outstanding import AllOutstanding, Outstanding


class SessionV2:
    """The state of one client's conversation. Whatever arrives, `receive` never raises.

    max_in_flight: how many images may be outstanding at a time, if the gateway does not want fewer. chance: gives a
    number from 0 to 1, for the pauses.
    """

    def __init__(self, client_name: str, max_in_flight: int = 1, chance: Callable[[], float] = random.random) -> None:
        self.client_uuid = ""
        self.max_image_bytes: int | None = None  # not told
        self._client_name = client_name
        self._own_max_in_flight = max_in_flight
        self._chance = chance
        self._codec = MSGPACK
        self._resume_key = ""
        self._is_welcome = False
        self._outstanding = AllOutstanding(max_in_flight)
        self._closed = ClosedRequests()
        self._to_cancel: list[str] = []

    @property
    def outstanding(self) -> list[Request]:
        """Images that were sent and still wait for their final answer, the oldest first."""
        return [one.request for one in self._outstanding]

    @property
    def in_flight(self) -> int:
        """How many are outstanding."""
        return len(self._outstanding)

    @property
    def has_room(self) -> bool:
        """True when another image may be sent."""
        return self._is_welcome and len(self._outstanding) < self._outstanding.max_in_flight

    def opened(self, codec: Codec) -> None:
        """There is a new connection, on which the hello comes next."""
        self._codec = codec
        self._is_welcome = False

    def hello(self) -> bytes:
        """The frame that asks for a ClientUUID, or for the one from before."""
        return self._codec.encode(Hello(self._client_name, self.client_uuid, self._resume_key))

    def upload(self, request: Request, now: float) -> bytes:
        """The frame that sends an image, for the first time or again; it is outstanding from now on."""
        request.request_id = request.request_id or secrets.token_hex(16)
        self._outstanding.sent(request, now)
        return self._codec.encode(
            Upload(self.client_uuid, request.image_file_name, request.image, request.request_id, request.options)
        )

    def due(self, now: float) -> list[Request]:
        """Outstanding images to be sent again now."""
        return self._outstanding.due(now)

    def receive(self, frame: bytes, now: float) -> Event:
        """Take a frame from the gateway."""
        try:
            message = self._codec.decode_gateway_message(frame)
        except BadMessage as error:
            return Ignored(f"a message of the gateway is not understood and ignored: {error.__cause__ or error}")
        if isinstance(message, Welcome):
            return self._welcomed(message)
        if isinstance(message, Failure) and not self._is_welcome and not message.request_id:
            return self._hello_refused(message)
        if not self._is_welcome:
            return Ignored(
                "an answer came before the welcome, and is ignored"
            )  # it will come again: nobody received it
        one = self._find(message)
        if one is None:
            return self._not_outstanding(message)
        if isinstance(message, Progress):
            is_news = self._outstanding.accepted(one)
            return Accepted(one.request) if is_news else Noted()
        if isinstance(message, Failure):
            if isinstance(message.retry_after, float):
                seconds = one.refused(message.retry_after, message.error_message, self._chance(), now)
                self._outstanding.changed()
                return Postponed(one.request, message.error_message, seconds)
            return self._close(one, ImageFailed(one.request.image_file_name, message.error_message))
        return self._close(one, _recognition(one, message, now))

    def _welcomed(self, welcome: Welcome) -> Event:
        if self._is_welcome:
            return Ignored("a second welcome came, and is ignored")
        is_kept = welcome.resumed and welcome.client_uuid == self.client_uuid
        self._is_welcome = True
        self.client_uuid, self._resume_key = welcome.client_uuid, welcome.resume_key
        self.max_image_bytes = welcome.max_image_bytes or None
        self._outstanding.max_in_flight = max(1, min(self._own_max_in_flight, welcome.max_in_flight))
        if not is_kept:
            for one in self._outstanding:
                one.lost()
        self._outstanding.changed()
        return Welcomed(welcome.client_uuid, is_kept)

    def _hello_refused(self, failure: Failure) -> Event:
        if failure.error_code == ErrorCode.BAD_CLIENT_UUID and self.client_uuid:
            self._forget_client_uuid()
            return Unknown(failure.error_message)
        retry_after = failure.retry_after
        return Refused(failure.error_message, retry_after if isinstance(retry_after, float) else None)

    def _find(self, message: Progress | Success | Failure) -> Outstanding | None:
        one = self._outstanding.get(message.request_id)
        name = message.image_file_name
        if one is None and isinstance(message, Failure) and not message.request_id and name:
            # An upload of which the gateway could read the name only.
            sent = [one for one in self._outstanding if one.is_there and not one.request.is_accepted]
            one = next((one for one in sent if one.request.image_file_name == name), None)
        return one

    def _not_outstanding(self, message: Progress | Success | Failure) -> Event:
        is_known = message.request_id in self._closed
        if isinstance(message, Success) or (isinstance(message, Failure) and not message.can_try_again):
            self._closed.repeated(message.request_id)
        if is_known:
            return Noted()
        what = message.ocr_result if isinstance(message, Failure) else message.response_message
        return Ignored(f"an answer came for no image that was sent, and is ignored: {message.image_file_name}: {what}")

    def _close(self, one: Outstanding, answer: Answer) -> Answered:
        self._outstanding.remove(one)
        self._closed.answered(one.request.request_id)
        return Answered(one.request, answer)

    def _give_up(self, one: Outstanding, answer: Answer) -> Answered:
        self._outstanding.remove(one)
        self._closed.given_up(one.request.request_id)
        self._to_cancel.append(one.request.request_id)
        return Answered(one.request, answer)

    def taken(self, request: Request) -> None:
        """The program has the answer: the gateway need not keep it any longer."""
        self._closed.taken(request.request_id)

    def to_say(self) -> list[bytes]:
        """Frames about what was received, and what is not wanted any more; each is said once."""
        received, cancelled, self._to_cancel = self._closed.to_tell(), self._to_cancel, []
        return [
            *(self._codec.encode(Received(self.client_uuid, some)) for some in _batches(received)),
            *(self._codec.encode(Cancel(self.client_uuid, some)) for some in _batches(cancelled)),
        ]

    def seconds_for(self, request: Request, now: float) -> float:
        """Seconds that are left for an outstanding image."""
        one = self._outstanding.get(request.request_id)
        assert one is not None
        return max(0.0, one.deadline - now)

    def seconds_left(self, now: float) -> float:
        """Seconds until an image may have to be sent again or given up; never below 0. Needs one outstanding."""
        return max(0.0, self._outstanding.look_at - now)

    def seconds_to_deadline(self, now: float) -> float:
        """Seconds until the first outstanding image is to be given up; never below 0. Needs one outstanding."""
        return max(0.0, self._outstanding.first_deadline - now)

    def give_up(self, now: float) -> list[Answered]:
        """Close the requests whose time is over; the gateway will be told."""
        return [self._give_up(one, one.too_late()) for one in self._outstanding.too_late(now)]

    def cancel(self) -> None:
        """Nobody waits for anything any more; the gateway will be told."""
        for one in self._outstanding:
            self._give_up(one, one.too_late())

    def broken(self, lost: ConnectionLost) -> tuple[list[Request], list[Answered]]:
        """End with the connection: as in v1, but what is to be sent again stays here, and is due on the next one."""
        self._is_welcome = False
        if lost.close_code in (REPLACED, NOT_ALLOWED):
            # Whoever came in our place has our ClientUUID. To take it back would go on for ever.
            self._forget_client_uuid()
            return [], [self._give_up(one, lost) for one in self._outstanding]
        sent = [one for one in self._outstanding if one.is_there and not one.request.is_accepted]
        for one in sent:
            one.lost()
        self._outstanding.changed()
        if lost.close_code != TOO_BIG or not sent:
            return [], []
        # The largest is the one that was too large; the others only shared its connection.
        culprit = max(sent, key=lambda one: len(one.request.image))
        return [], [self._give_up(culprit, ImageFailed(culprit.request.image_file_name, str(lost)))]

    def _forget_client_uuid(self) -> None:
        self.client_uuid = self._resume_key = ""

    def hand_over(self) -> list[Request]:
        """End for good: the images that a gateway of v1 is to be sent in its way."""
        requests = self.outstanding
        self._outstanding.clear()
        for request in requests:
            request.times_sent, request.is_accepted = 0, False
        return requests


def _recognition(one: Outstanding, success: Success, now: float) -> Recognition:
    seconds = now - one.first_sent_at
    text, confidence, elapsed_ms = success.ocr_result, success.confidence, success.elapsed_ms
    outputs = {name: _output(name, content) for name, content in success.outputs.items()}
    return Recognition(one.request.image_file_name, text, seconds, confidence, elapsed_ms, success.steps, outputs)


def _output(name: str, content: Any) -> Any:
    """An output as Python has it: bytes are base64 in JSON. What is none stays as it came."""
    if name in BINARY_OUTPUTS and isinstance(content, str):
        with contextlib.suppress(ValueError):
            return base64.b64decode(content, validate=True)
    return content


def _batches(request_ids: list[str]) -> list[tuple[str, ...]]:
    return [tuple(request_ids[at : at + MAX_REQUEST_IDS]) for at in range(0, len(request_ids), MAX_REQUEST_IDS)]
