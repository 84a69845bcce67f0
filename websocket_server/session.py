"""One client's conversation (v1), pure: what arrived goes in, what is to be done comes out. No socket, no broker.

An upload becomes `Publish`; the broker's confirm, its refusal and the OCR server's answer come back through
`published`, `not_published` and `answered`. An answer may overtake the confirm of its own image: PENDING is said then.
"""

import dataclasses
import uuid
from collections.abc import Callable
from typing import Final

from protocol.bodies import Addressee, OcrAnswer, OcrRequest
from protocol.errors import ErrorCode, Refusal
from protocol.messages import (
    Assigned,
    Hello,
    Response,
    UndecodableMessage,
    Upload,
    decode_client_message,
    decode_image,
    frame_limit,
    image_file_name,
    new_client_uuid,
    pending,
)

from .actions import Action, Close, Greet, Publish, Send
from .close_codes import NO_TOKEN, NOT_ALLOWED

FORM_FEED: Final = "\f"


@dataclasses.dataclass(slots=True)
class _Outstanding:
    image_file_name: str
    is_accepted: bool = False


class Session:
    """The state of one v1 conversation.

    max_image_bytes: largest image that is taken. admit: asked with the token of the hello, "" being none; raises
    Refusal NOT_ALLOWED. may_take: asked with the size of each image; raises Refusal. Whatever is sent to it, it never
    raises.
    """

    def __init__(
        self,
        max_image_bytes: int,
        admit: Callable[[str], None] = lambda _: None,
        may_take: Callable[[int], None] = lambda _: None,
        new_message_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.client_uuid = ""
        self._admit = admit
        self._may_take = may_take
        self._max_image_bytes = max_image_bytes
        self._frame_limit = frame_limit(max_image_bytes)
        self._new_message_id = new_message_id
        self._outstanding: dict[str, _Outstanding] = {}  # in the order in which they arrived

    @property
    def in_flight(self) -> int:
        """How many images have no final answer yet."""
        return len(self._outstanding)

    @property
    def message_ids(self) -> list[str]:
        """Of the images that have no final answer yet."""
        return list(self._outstanding)

    def asker(self, message_id: str) -> Addressee | None:
        """Whom the answer to this image is for; None when it is none of this client's, or no more."""
        found = self._outstanding.get(message_id)
        return None if found is None else Addressee(self.client_uuid, found.image_file_name)

    def receive(self, frame: bytes, *, is_draining: bool = False) -> list[Action]:
        """Take a frame from the client. `is_draining`: the gateway is stopping and takes no more images."""
        name = ""
        try:
            if len(frame) > self._frame_limit and not self._has_an_image_that_fits(frame):
                return [self._too_large(frame)]
            message = decode_client_message(frame)
            if isinstance(message, Hello):
                return [self._greet(message)]
            name = message.image_file_name
            return [self._take(message, is_draining=is_draining)]
        except UndecodableMessage as error:
            return [Send(Response("FAILED", error.image_file_name, str(error)), code=error.code)]
        except Refusal as refusal:
            failed = Send(Response("FAILED", name, str(refusal)), code=refusal.code)
            if refusal.code is ErrorCode.NOT_ALLOWED:
                return [failed, Close(NOT_ALLOWED, NO_TOKEN)]
            return [failed]

    def _has_an_image_that_fits(self, frame: bytes) -> bool:
        """True for an upload that is longer than it need be: by line breaks, or by what JSON allows to be escaped."""
        try:
            message = decode_client_message(frame)
            return isinstance(message, Upload) and len(decode_image(message.image_base64_data)) <= self._max_image_bytes
        except (UndecodableMessage, Refusal):
            return False

    def _too_large(self, frame: bytes) -> Send:
        limit = f"The frame has {len(frame)} bytes, the limit for an image is {self._max_image_bytes} bytes."
        refusal = Refusal(ErrorCode.IMAGE_TOO_LARGE, limit)
        return Send(Response("FAILED", image_file_name(frame), str(refusal)), code=refusal.code)

    def _greet(self, hello: Hello) -> Greet:
        if self.client_uuid:
            raise UndecodableMessage("This connection has said hello already.")
        self._admit(hello.token)
        self.client_uuid = new_client_uuid()
        return Greet(hello.client_name, Assigned(self.client_uuid))

    def _take(self, upload: Upload, *, is_draining: bool) -> Publish:
        if not self.client_uuid or upload.client_uuid != self.client_uuid:
            raise Refusal(ErrorCode.BAD_CLIENT_UUID)
        if is_draining:
            raise Refusal(ErrorCode.UNAVAILABLE, "The gateway is stopping.")
        image = decode_image(upload.image_base64_data)
        if len(image) > self._max_image_bytes:
            raise Refusal(
                ErrorCode.IMAGE_TOO_LARGE,
                f"The image has {len(image)} bytes, the limit is {self._max_image_bytes} bytes.",
            )
        self._may_take(len(image))
        message_id = self._new_message_id()
        self._outstanding[message_id] = _Outstanding(upload.image_file_name)
        return Publish(message_id, OcrRequest(self.client_uuid, upload.image_file_name, image))

    def published(self, message_id: str) -> list[Send]:
        """The broker has confirmed an image. Nothing is to be said when its answer was faster."""
        found = self._outstanding.get(message_id)
        if found is None or found.is_accepted:
            return []
        found.is_accepted = True
        return [Send(pending(found.image_file_name), message_id)]

    def not_published(self, message_id: str, refusal: Refusal) -> list[Send]:
        """The broker has not taken an image. When its answer is there all the same, the answer counts."""
        found = self._outstanding.pop(message_id, None)
        if found is None:
            return []
        return [Send(Response("FAILED", found.image_file_name, str(refusal)), message_id)]

    def answered(self, correlation_id: str | None, answer: OcrAnswer) -> list[Send]:
        """An OCR server has answered; [] when nothing outstanding fits, as with an answer that comes twice.

        correlation_id: None from an OCR server that sets none; then the oldest image of that name is meant.
        """
        message_id = correlation_id or self._oldest(answer.image_file_name)
        found = self._outstanding.pop(message_id, None) if message_id else None
        if found is None:
            return []
        sends = [] if found.is_accepted else [Send(pending(found.image_file_name), message_id)]
        if answer.error_code:
            final = Response("FAILED", found.image_file_name, answer.error_message or answer.error_code)
        else:
            final = Response("SUCCESS", found.image_file_name, answer.ocr_result.removesuffix(FORM_FEED))
        return [*sends, Send(final, message_id)]

    def _oldest(self, image_file_name: str) -> str | None:
        for message_id, found in self._outstanding.items():
            if found.image_file_name == image_file_name:
                return message_id
        return None
