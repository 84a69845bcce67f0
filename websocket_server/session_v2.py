"""One v2 connection's conversation, pure: what arrived goes in, what is to be done comes out. No socket, no broker.

The connection's own: hello, ClientUUID, limits. What outlives it, the client's requests, is in `outstanding`.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from protocol import messages_v2 as v2
from protocol.codecs_v2 import Codec
from protocol.errors import ErrorCode, Refusal
from protocol.messages import frame_limit

from .actions import Action, Enter, Send
from .outstanding import Outstanding

DRAINING_RETRY_AFTER: Final = 1.0
"""Seconds; another gateway, or this one started anew, is there as soon as that."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one client may do. may_take: asked for each image with its size; raises Refusal."""

    max_image_bytes: int
    max_in_flight: int
    may_take: Callable[[int], None]


class SessionV2:
    """The state of one v2 connection. Whatever is sent to it, it never raises.

    codec: as negotiated. max_image_bytes: largest image that is taken.
    """

    __slots__ = ("_frame_limit", "_limits", "_max_image_bytes", "_requests", "client_uuid", "codec")

    def __init__(self, codec: Codec, max_image_bytes: int) -> None:
        self.codec = codec
        self.client_uuid = ""
        self._frame_limit = frame_limit(max_image_bytes) + v2.FRAME_OVERHEAD
        self._max_image_bytes = max_image_bytes
        self._requests: Outstanding | None = None
        self._limits: Limits | None = None

    def welcomed(self, requests: Outstanding, limits: Limits) -> None:
        """The hello is accepted: this connection is that of the client with these requests."""
        self.client_uuid = requests.client_uuid
        self._requests = requests
        self._limits = limits

    @property
    def in_flight(self) -> int:
        """How many images have no final answer yet."""
        return self._requests.unanswered if self._requests else 0

    @property
    def unreceived(self) -> int:
        """How many final answers the client has not said Received for."""
        return self._requests.in_flight - self._requests.unanswered if self._requests else 0

    def receive(self, frame: bytes, *, broker_connection: int, is_draining: bool = False) -> list[Action]:
        """Take a frame from the client.

        broker_connection: which one it is, counted. is_draining: the gateway is stopping and takes no more images.
        """
        if len(frame) > self._frame_limit and not self._has_an_image_that_fits(frame):
            request_id, name = self.codec.labels(frame)
            detail = f"The frame has {len(frame)} bytes, the limit for an image is {self._max_image_bytes} bytes."
            return self._refuse(Refusal(ErrorCode.IMAGE_TOO_LARGE, detail), request_id, name)
        try:
            message = self.codec.decode_client_message(frame)
        except v2.BadMessage as error:
            return self._refuse(error, error.request_id, error.image_file_name)
        if isinstance(message, v2.Hello):
            return self._hello(message)
        if isinstance(message, v2.Upload):
            try:
                return self._take(message, broker_connection, is_draining=is_draining)
            except Refusal as refusal:
                return self._refuse(refusal, message.request_id, message.image_file_name)
        if self._requests is None or message.client_uuid != self.client_uuid:
            return self._refuse(Refusal(ErrorCode.BAD_CLIENT_UUID))
        if isinstance(message, v2.Received):
            return [*self._requests.received(message.received), *self._requests.cancel(message.cancel)]
        return self._requests.cancel(message.cancel)

    def _has_an_image_that_fits(self, frame: bytes) -> bool:
        """True for an upload that is longer than it need be: by line breaks, or by what JSON allows to be escaped."""
        try:
            message = self.codec.decode_client_message(frame)
        except v2.BadMessage:
            return False
        return isinstance(message, v2.Upload) and len(message.image) <= self._max_image_bytes

    def _hello(self, hello: v2.Hello) -> list[Action]:
        if self._requests is not None:
            return self._refuse(Refusal(ErrorCode.BAD_MESSAGE, "This connection has said hello already."))
        return [Enter(hello)]

    def _take(self, upload: v2.Upload, broker_connection: int, *, is_draining: bool) -> list[Action]:
        requests, limits = self._requests, self._limits
        if requests is None or limits is None or upload.client_uuid != self.client_uuid:
            raise Refusal(ErrorCode.BAD_CLIENT_UUID)
        size = len(upload.image)
        if size > limits.max_image_bytes:
            raise Refusal(
                ErrorCode.IMAGE_TOO_LARGE, f"The image has {size} bytes, the limit is {limits.max_image_bytes} bytes."
            )
        if not requests.has(upload.request_id):
            if is_draining:
                raise Refusal(ErrorCode.UNAVAILABLE, "The gateway is stopping.", retry_after=DRAINING_RETRY_AFTER)
            if requests.in_flight >= limits.max_in_flight:
                raise Refusal(
                    ErrorCode.TOO_MANY_IN_FLIGHT, f"{requests.in_flight} images are in flight, as many as may be."
                )
            limits.may_take(size)
        return requests.upload(upload, broker_connection)

    @staticmethod
    def _refuse(refusal: Refusal, request_id: str = "", image_file_name: str = "") -> list[Action]:
        return [Send(v2.refusal(refusal, request_id, image_file_name), code=refusal.code)]
