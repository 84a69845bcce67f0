"""What a client is told when an OCR server, one from elsewhere, has answered in a way that nobody understands. Pure."""

import msgspec

from .bodies import OcrAnswer, addressee, failure
from .errors import ErrorCode
from .messages import UndecodableMessage, decode_with


class _Statused(msgspec.Struct, rename={"status": "Status"}):
    status: msgspec.Raw = msgspec.Raw()


_statused = msgspec.json.Decoder(_Statused)


def in_place_of(body: bytes, error: UndecodableMessage) -> OcrAnswer | None:
    """The failure for whoever waits for an answer that cannot be decoded.

    None: it does not tell whom it is for, or is a progress, which ends nothing.
    """
    to = addressee(body, {}, None)
    if to is None or memoryview(decode_with(_statused, body).status).nbytes:
        return None
    code = ErrorCode.INTERNAL
    sentence = f"The OCR server's answer cannot be understood: {error.__cause__ or error.detail} {code.text}"
    return failure(to, code, sentence)
