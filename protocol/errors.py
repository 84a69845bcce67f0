"""The error codes of the wire: one table with each one's text and whether trying again can help.

ErrorCode        what programs get (FAILED answers of OCR servers carry it)
Refusal          raised by our own code when a message or an image is refused: a code and a sentence
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """A reason for a FAILED answer, in the wire's spelling."""

    BAD_MESSAGE = "BAD_MESSAGE"
    BAD_CLIENT_UUID = "BAD_CLIENT_UUID"
    BAD_BASE64 = "BAD_BASE64"
    BAD_OPTION = "BAD_OPTION"
    UNSUPPORTED_IMAGE = "UNSUPPORTED_IMAGE"
    IMAGE_TOO_LARGE = "IMAGE_TOO_LARGE"
    RESULT_TOO_LARGE = "RESULT_TOO_LARGE"
    TOO_MANY_IN_FLIGHT = "TOO_MANY_IN_FLIGHT"
    RATE_LIMITED = "RATE_LIMITED"
    QUEUE_FULL = "QUEUE_FULL"
    OCR_TIMEOUT = "OCR_TIMEOUT"
    OCR_CRASHED = "OCR_CRASHED"
    CANCELLED = "CANCELLED"
    UNAVAILABLE = "UNAVAILABLE"
    NOT_ALLOWED = "NOT_ALLOWED"
    INTERNAL = "INTERNAL"

    @property
    def text(self) -> str:
        """What happened and what to do next, in words a person can act on."""
        return _TABLE[self][0]

    @property
    def can_try_again(self) -> bool:
        """True when the same image, sent again later, may be read."""
        return _TABLE[self][1] is not None

    @property
    def retry_after(self) -> float | None:
        """Seconds after which to send the same image again; None when that cannot help."""
        return _TABLE[self][1]


_TABLE: dict[ErrorCode, tuple[str, float | None]] = {
    ErrorCode.BAD_MESSAGE: (
        "The message could not be understood. Send one of the messages that the README shows.",
        None,
    ),
    ErrorCode.BAD_CLIENT_UUID: (
        "The ClientUUID is not the one of this connection. Say hello first and send the ClientUUID that was answered.",
        None,
    ),
    ErrorCode.BAD_BASE64: (
        "ImageBase64Data is not base64. Send the image file's bytes in standard base64, without a 'data:' prefix.",
        None,
    ),
    ErrorCode.BAD_OPTION: ("An option is not known to the OCR server. Leave it out or correct it.", None),
    ErrorCode.UNSUPPORTED_IMAGE: (
        "The image cannot be read. Send an undamaged PNG, JPEG, TIFF, WebP, BMP or GIF file (HEIC, AVIF if installed).",
        None,
    ),
    ErrorCode.IMAGE_TOO_LARGE: ("The image is too large. Scale it down or cut it into parts.", None),
    ErrorCode.RESULT_TOO_LARGE: (
        "The recognised text is too large to send. Cut the image into parts.",
        None,
    ),
    ErrorCode.TOO_MANY_IN_FLIGHT: (
        "Too many images are unanswered. Wait for answers, then send again.",
        1.0,
    ),
    ErrorCode.RATE_LIMITED: ("Too many images in too short a time. Wait, then send again.", 5.0),
    ErrorCode.QUEUE_FULL: ("The queue of waiting images is full. Send the image again in a while.", 2.0),
    ErrorCode.OCR_TIMEOUT: (
        "Reading the image took longer than allowed. Scale it down or cut it into parts.",
        None,
    ),
    ErrorCode.OCR_CRASHED: (
        "The image made the OCR engine fail each time. Save it anew in another format.",
        None,
    ),
    ErrorCode.CANCELLED: ("The request was cancelled.", None),
    ErrorCode.UNAVAILABLE: (
        "The service cannot take images at the moment. Send the image again in a while.",
        2.0,
    ),
    ErrorCode.NOT_ALLOWED: ("This client is not allowed to do that. Ask the operator for access.", None),
    ErrorCode.INTERNAL: (
        "The service made a mistake with this image. Tell the operator, then send it again.",
        5.0,
    ),
}


def retry_after(code: str) -> float | None:
    """As `ErrorCode.retry_after`, also for a code that is not in the table: then None."""
    return _TABLE[ErrorCode(code)][1] if code in set(ErrorCode) else None


class Refusal(Exception):
    """A message or an image that is refused.

    `str(refusal)` is the table's text; with `detail`, a sentence with the facts of this case comes first.
    retry_after: seconds; None takes the table's.
    """

    def __init__(self, code: ErrorCode, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(f"{detail} {code.text}" if detail else code.text)
        self.code = code
        self.detail = detail
        self.retry_after = code.retry_after if retry_after is None else retry_after
