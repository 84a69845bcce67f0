"""What a client is told when an OCR server, one from elsewhere, has answered in a way that nobody understands. Pure."""

import msgspec

from .bodies import Addressee, OcrAnswer, addressee, failure
from .errors import ErrorCode
from .messages import UndecodableMessage, decode_with


class _Statused(msgspec.Struct, rename={"status": "Status"}):
    status: msgspec.Raw = msgspec.Raw()


_statused = msgspec.json.Decoder(_Statused)


def in_place_of(body: bytes, error: UndecodableMessage, asker: Addressee | None = None) -> OcrAnswer | None:
    """The failure for whoever waits for an answer that cannot be decoded.

    asker: whose image it answers, by its correlation_id; None: that is not known, and the answer has to tell. None: it
    does not, or is a progress, which ends nothing.
    """
    to = asker or addressee(body, {}, None)
    if to is None or _is_progress(body):
        return None
    code = ErrorCode.INTERNAL
    sentence = f"The OCR server's answer cannot be understood: {error.__cause__ or error.detail} {code.text}"
    return failure(to, code, sentence)


def _is_progress(body: bytes) -> bool:
    try:
        return memoryview(decode_with(_statused, body).status).nbytes > 0
    except UndecodableMessage:
        return False
