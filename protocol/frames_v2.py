"""What may be in a frame of v2, before it is known which message it is, if any. For `codecs_v2` alone."""

from typing import Any, Final

import msgspec

from .errors import ErrorCode
from .messages_v2 import Message, camel

_ABSENT: Final = msgspec.Raw()


class ClientFrame(msgspec.Struct, rename=camel):
    """Anything that a client may send."""

    client_name: str | msgspec.UnsetType = msgspec.UNSET
    client_uuid: str | msgspec.UnsetType = msgspec.UNSET
    resume_key: str | msgspec.UnsetType = msgspec.UNSET
    token: str | msgspec.UnsetType = msgspec.UNSET
    image_file_name: str | msgspec.UnsetType = msgspec.UNSET
    image_base64_data: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="ImageBase64Data")
    image_data: bytes | msgspec.UnsetType = msgspec.UNSET
    request_id: str | msgspec.UnsetType = msgspec.UNSET
    # As they came, to be looked at once their size is known: a frame has room for millions of values, which would take
    # a hundred times its size and seconds to build.
    options: msgspec.Raw = _ABSENT
    received: msgspec.Raw = _ABSENT
    cancel: msgspec.Raw = _ABSENT


class GatewayFrame(msgspec.Struct, rename=camel):
    """Anything that a gateway may send."""

    response_message: str | msgspec.UnsetType = msgspec.UNSET
    image_file_name: str = ""
    ocr_result: str = ""
    request_id: str = ""
    confidence: float | None = None
    elapsed_ms: float | None = None
    outputs: dict[str, Any] | list[str] = msgspec.field(default_factory=dict)
    steps: tuple[str, ...] = ()
    error_code: str = str(ErrorCode.INTERNAL)
    error_message: str = ""
    retry_after: float | msgspec.UnsetType = msgspec.UNSET
    client_uuid: str = ""
    resume_key: str = ""
    resumed: bool = False
    max_image_bytes: int = 0
    max_in_flight: int = 1
    idle_timeout: float = 0.0
    resume_window: float = 0.0
    languages: tuple[str, ...] = ()


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
