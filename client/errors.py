"""What can go wrong for a client, each with the exit code that the simulator gives for it.

OcrClientError
├── ConnectError          no gateway answers at the URL, or it does not let this client in
├── ConnectionLost        the connection broke, and there was no new one in time, or (v1) that broke as well
├── NoImages              the folder is missing, empty or without a single image
└── ImageFailed           one image has no text; the others are not concerned
    ├── AnswerTimeout     its answer did not come in time
    └── ResultNotSaved    a file of it is there already, cannot be written, or was not sent
OutputGone                whoever read our output has gone (`| head`); ends the run
"""

import re
from collections.abc import Collection
from typing import Final

from settings.command_line import Exit

IDLE: Final = 4000
REPLACED: Final = 4001
GOING_AWAY: Final = 1001
NOT_ALLOWED: Final = 1008
TOO_BIG: Final = 1009
TRY_AGAIN_LATER: Final = 1013


class OcrClientError(Exception):
    """Everything that the client raises for reasons outside of it. `str(error)` says what to do about it."""

    exit_code: Exit = Exit.UNEXPECTED


class ConnectError(OcrClientError):
    """There is no connection to a gateway.

    is_passing: the same may work in a moment. is_refusal: a gateway is there and does not want this client; everything
    else may pass where a gateway was before. retry_after: seconds, when the gateway has said in how many.
    """

    exit_code = Exit.NO_GATEWAY

    def __init__(
        self,
        sentence: str,
        *,
        is_passing: bool = False,
        is_refusal: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.is_passing = is_passing
        self.is_refusal = is_refusal
        self.retry_after = retry_after


class ConnectionLost(OcrClientError):
    """The connection ended before the answer came.

    close_code: as in PROTOCOL.md; None when the connection broke without one. retry_after: seconds, when the gateway
    has said in how many to come back.
    """

    exit_code = Exit.CONNECTION_LOST

    def __init__(self, sentence: str, close_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.close_code = close_code
        self.retry_after = retry_after


class NoImages(OcrClientError):
    """There is nothing to send."""

    exit_code = Exit.NO_IMAGES


class ImageFailed(OcrClientError):
    """An image has no text; the message is the gateway's sentence, or says what happened here."""

    exit_code = Exit.IMAGE_FAILED

    def __init__(self, image_file_name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.image_file_name = image_file_name


class AnswerTimeout(ImageFailed):
    """An image got no answer in time. It may still be read: sending it again is safe."""


class ResultNotSaved(ImageFailed):
    """Not every result of an image is in its file."""


class OutputGone(Exception):
    """Nobody reads our standard output any more."""


_CLOSINGS: dict[int, str] = {
    1000: "The gateway has ended the connection.",
    GOING_AWAY: "The gateway is going away: it is being stopped or restarted. Try again in a moment.",
    NOT_ALLOWED: "The gateway does not allow this client. Check [Client] token_file, or ask the operator for access.",
    TOO_BIG: "The image is too large for the gateway. Scale it down or cut it into parts.",
    1011: "The gateway made a mistake. Try again; if that does not help, its log tells more.",
    TRY_AGAIN_LATER: "The gateway is too busy. Try again later, or with a lower [ThreadPool] max_thread.",
    IDLE: "The gateway has ended the connection because it was idle.",
    REPLACED: "Another client has come with the same ClientUUID, and took the place of this one.",
}

_RETRY_AFTER: Final = re.compile(r"\bRetryAfter=([0-9]{1,6}(?:\.[0-9]{1,6})?)$")
"""How the reason of a 1013 ends: seconds, because a close frame has no other place for them."""


def closing(code: int, reason: str) -> ConnectionLost:
    """The error for a connection that the gateway closed, in words a person can act on."""
    sentence = _CLOSINGS.get(code, "The gateway has ended the connection.")
    found = _RETRY_AFTER.search(reason)
    retry_after = float(found[1]) if found else None
    return ConnectionLost(f"{sentence} ({code}{': ' + reason if reason else ''})", code, retry_after)


_WORST_FIRST: Final = (Exit.NO_GATEWAY, Exit.CONNECTION_LOST, Exit.IMAGE_FAILED)


def exit_code(happened: Collection[Exit]) -> Exit:
    """The exit code of a run in which these happened: the first of NO_GATEWAY, CONNECTION_LOST, IMAGE_FAILED."""
    return next((code for code in _WORST_FIRST if code in happened), Exit.OK)
