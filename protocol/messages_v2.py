"""The messages between client and gateway (v2). How they are written and read: `codecs_v2`."""

import dataclasses
from typing import Any, Final, Literal

import msgspec

from . import errors
from .errors import ErrorCode, Refusal
from .messages import PENDING_TEXT

MAX_REQUEST_ID_CHARACTERS: Final = 64
MAX_OPTIONS_BYTES: Final = 4096
"""Longest Options as JSON: they travel with the image, and in a header where the body is raw."""

MAX_REQUEST_IDS: Final = 1000
"""Most RequestIds in one Received or Cancel."""

MAX_KEY_CHARACTERS: Final = 1024  # ClientUUID, ResumeKey, Token

BINARY_OUTPUTS: Final = frozenset({"pdf"})
"""Outputs that are bytes: base64 in JSON, raw in MessagePack. All others are text or JSON values."""

FRAME_OVERHEAD: Final = 16 * 1024
"""Bytes of an upload beside the image: keys, ids, Options, and a file name with every character as \\uXXXX."""


class BadMessage(Refusal):
    """A message that is refused as a whole; RequestId and ImageFileName are "" where they cannot be told."""

    def __init__(self, code: ErrorCode, detail: str, *, request_id: str = "", image_file_name: str = "") -> None:
        super().__init__(code, detail)
        self.request_id = request_id
        self.image_file_name = image_file_name


def camel(name: str) -> str:
    """The wire's spelling of a field."""
    return {"client_uuid": "ClientUUID"}.get(name, "".join(part.capitalize() for part in name.split("_")))


class Message(msgspec.Struct, frozen=True, rename=camel):
    """Frozen, and encoded in the wire's spelling."""


class Hello(Message, frozen=True, omit_defaults=True):
    """A client's first message; with client_uuid and resume_key it resumes. token: "" where none is asked for."""

    client_name: str
    client_uuid: str = ""
    resume_key: str = ""
    token: str = ""


class Welcome(Message, frozen=True):
    """The gateway's answer to a hello. Times in seconds; languages and outputs are empty until a server is known."""

    client_uuid: str
    resume_key: str
    resumed: bool
    max_image_bytes: int
    max_in_flight: int
    idle_timeout: float
    resume_window: float
    languages: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Upload:
    """An image from a client. request_id: the client's own, 1 to 64 characters. options: the wire's, unchecked."""

    client_uuid: str
    image_file_name: str
    image: bytes = dataclasses.field(repr=False)
    request_id: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


class Received(Message, frozen=True, omit_defaults=True):
    """From a client: these final answers have arrived. cancel: of a client that says `Cancel` with the same message."""

    client_uuid: str
    received: tuple[str, ...]
    cancel: tuple[str, ...] = ()


class Cancel(Message, frozen=True):
    """From a client: these requests are not wanted any more."""

    client_uuid: str
    cancel: tuple[str, ...]


class Progress(Message, frozen=True):
    """From the gateway: PENDING once the broker has confirmed the image, PROCESSING once an OCR process has it."""

    response_message: Literal["PENDING", "PROCESSING"]
    image_file_name: str
    request_id: str
    ocr_result: str = PENDING_TEXT


class Success(Message, frozen=True):
    """From the gateway: the text. confidence: 0 to 100, None without words. elapsed_ms: the engine's time."""

    image_file_name: str
    ocr_result: str
    request_id: str
    confidence: float | None = None
    elapsed_ms: float | None = None
    outputs: dict[str, Any] = msgspec.field(default_factory=dict)
    steps: tuple[str, ...] = ()
    response_message: Literal["SUCCESS"] = "SUCCESS"


class Failure(Message, frozen=True):
    """From the gateway: why there is no text. retry_after: seconds; UNSET where trying again cannot help.

    error_code is a str: an OCR server from elsewhere may have codes of its own.
    """

    image_file_name: str
    ocr_result: str
    request_id: str
    error_code: str
    error_message: str
    retry_after: float | msgspec.UnsetType = msgspec.UNSET
    response_message: Literal["FAILED"] = "FAILED"

    @property
    def can_try_again(self) -> bool:
        """True when the same RequestId may be sent again: this answer has ended nothing."""
        return self.retry_after is not msgspec.UNSET


ClientMessage = Hello | Upload | Received | Cancel
GatewayMessage = Welcome | Progress | Success | Failure


def refusal(error: Refusal, request_id: str = "", image_file_name: str = "") -> Failure:
    """The FAILED message for something that is refused."""
    return failure(str(error.code), str(error), request_id, image_file_name, retry_after=error.retry_after)


def failure(
    code: str, sentence: str, request_id: str, image_file_name: str, *, retry_after: float | None = None
) -> Failure:
    """The FAILED message for a code. retry_after: seconds; None takes the table's, if the code is in it."""
    seconds = errors.retry_after(code) if retry_after is None else retry_after
    again = msgspec.UNSET if seconds is None else whole(seconds)
    return Failure(image_file_name, sentence, request_id, code, sentence, again)


def whole(seconds: float) -> float:
    """Whole seconds without a fraction: `30.0` is none of the whole numbers that a typed language reads."""
    return int(seconds) if float(seconds).is_integer() else seconds


def cannot_be_written(success: Success, error: Exception) -> Failure:
    """The FAILED message in place of an answer that a codec has no form for. Reading the image again cannot help."""
    sentence = (
        f"The outputs of the OCR server cannot be written in this encoding: {error}. Ask for others, or use ocr.v2."
    )
    return Failure(success.image_file_name, sentence, success.request_id, ErrorCode.INTERNAL, sentence)
