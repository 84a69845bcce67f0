"""What may be in a frame of v2, before it is known which message it is, if any. For `codecs_v2` alone.

None is a key that is not there, or null: in many languages that is how what is not there is written.
"""

from typing import Any, Final

import msgspec

from .messages_v2 import Message, camel

_ABSENT: Final = msgspec.Raw()


class ClientFrame(msgspec.Struct, rename=camel):
    """Anything that a client may send."""

    client_name: str | None = None
    client_uuid: str | None = None
    resume_key: str | None = None
    token: str | None = None
    image_file_name: str | None = None
    image_base64_data: str | None = msgspec.field(default=None, name="ImageBase64Data")
    image_data: bytes | None = None
    request_id: str | None = None
    # As they came, to be looked at once their size is known: a frame has room for millions of values, which would take
    # a hundred times its size and seconds to build.
    options: msgspec.Raw = _ABSENT
    received: msgspec.Raw = _ABSENT
    cancel: msgspec.Raw = _ABSENT


class GatewayFrame(msgspec.Struct, rename=camel):
    """Anything that a gateway may send."""

    response_message: str | None = None
    image_file_name: str | None = None
    ocr_result: str | None = None
    request_id: str | None = None
    confidence: float | None = None
    elapsed_ms: float | None = None
    outputs: dict[str, Any] | list[str] | None = None
    steps: tuple[str, ...] | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after: float | None = None
    client_uuid: str | None = None
    resume_key: str | None = None
    resumed: bool | None = None
    max_image_bytes: int | None = None
    max_in_flight: int | None = None
    idle_timeout: float | None = None
    resume_window: float | None = None
    languages: tuple[str, ...] | None = None


class RequestIdFrame(msgspec.Struct, rename=camel):
    """Of anything, the RequestId."""

    request_id: str = ""


class NameFrame(msgspec.Struct, rename=camel):
    """Of anything, the ImageFileName."""

    image_file_name: str = ""


class JsonUpload(Message, frozen=True):
    """An upload, as it is written in JSON."""

    client_uuid: str
    image_file_name: str
    image_base64_data: str = msgspec.field(name="ImageBase64Data")
    request_id: str
    options: dict[str, Any] | msgspec.UnsetType


class MsgpackUpload(Message, frozen=True):
    """An upload, as it is written in MessagePack."""

    client_uuid: str
    image_file_name: str
    image_data: bytes
    request_id: str
    options: dict[str, Any] | msgspec.UnsetType
