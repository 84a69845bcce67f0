"""v2's two encodings of its messages.

`ocr.v2` is JSON in text frames, `ocr.v2.msgpack` the same messages as MessagePack in binary frames, with the image and
binary outputs as raw bytes. Both are one `Codec`, chosen by the WebSocket subprotocol. Whatever bytes arrive, decoding
raises `BadMessage` (which keeps RequestId and ImageFileName, where they can be found) and nothing else.
"""

import base64
from typing import Any, Final

import msgspec

from .errors import ErrorCode, Refusal
from .frames_v2 import ClientFrame, GatewayFrame, JsonUpload, MsgpackUpload, NameFrame, RequestIdFrame
from .messages import MAX_NAME_CHARACTERS, decode_image, encode_image
from .messages_v2 import (
    BINARY_OUTPUTS,
    MAX_KEY_CHARACTERS,
    MAX_OPTIONS_BYTES,
    MAX_REQUEST_ID_CHARACTERS,
    MAX_REQUEST_IDS,
    BadMessage,
    Cancel,
    ClientMessage,
    Failure,
    GatewayMessage,
    Hello,
    Progress,
    Received,
    Success,
    Upload,
    Welcome,
)

_MAX_REQUEST_IDS_BYTES: Final = MAX_REQUEST_IDS * (6 * MAX_REQUEST_ID_CHARACTERS + 8)  # each character as \uXXXX
_MAX_ENCODED_OPTIONS: Final = 6 * MAX_OPTIONS_BYTES

_NULLS: Final = (b"null", b"\xc0")  # in JSON and in MessagePack

_FAILURES = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


class Codec:
    """One of v2's two encodings. subprotocol: its name in the handshake. is_binary: the kind of its frames."""

    def __init__(self, subprotocol: str, *, is_binary: bool) -> None:
        self.subprotocol = subprotocol
        self.is_binary = is_binary
        library: Any = msgspec.msgpack if is_binary else msgspec.json
        self._encode = library.encode
        self._client_frames = library.Decoder(ClientFrame)
        self._gateway_frames = library.Decoder(GatewayFrame)
        self._request_ids = library.Decoder(RequestIdFrame)
        self._names = library.Decoder(NameFrame)
        self._id_lists = library.Decoder(list[str])
        self._options = library.Decoder(dict[str, Any])

    def encode(self, message: ClientMessage | GatewayMessage) -> bytes:
        """The message as the content of one frame."""
        if isinstance(message, Upload):
            return bytes(self._encode(self._upload(message)))
        if isinstance(message, Success) and self.is_binary:
            message = msgspec.structs.replace(message, outputs=_with_raw_bytes(message.outputs))
        return bytes(self._encode(message))

    def _upload(self, one: Upload) -> JsonUpload | MsgpackUpload:
        options = one.options or msgspec.UNSET
        if self.is_binary:
            return MsgpackUpload(one.client_uuid, one.image_file_name, one.image, one.request_id, options)
        return JsonUpload(one.client_uuid, one.image_file_name, encode_image(one.image), one.request_id, options)

    def decode_client_message(self, frame: bytes) -> ClientMessage:
        """What a client has sent. Raises BadMessage."""
        try:
            found = self._client_frames.decode(frame)
        except _FAILURES as error:
            raise self._bad(frame, f"Not a message of this service: {error}.") from error
        if found.image_file_name is found.image_base64_data is found.image_data is found.request_id is None:
            return self._without_image(frame, found)
        image = found.image_data if self.is_binary else found.image_base64_data
        if found.client_uuid is None or found.image_file_name is None or found.request_id is None or image is None:
            key = "ImageData" if self.is_binary else "ImageBase64Data"
            raise self._bad(frame, f"An upload needs ClientUUID, ImageFileName, {key} and RequestId.")
        if not 1 <= len(found.request_id) <= MAX_REQUEST_ID_CHARACTERS:
            raise self._bad(frame, f"A RequestId has 1 to {MAX_REQUEST_ID_CHARACTERS} characters.")
        if len(found.image_file_name) > MAX_NAME_CHARACTERS:
            raise self._bad(frame, f"ImageFileName is longer than {MAX_NAME_CHARACTERS} characters.")
        options = self._checked_options(frame, found.options)
        try:
            content = decode_image(image) if isinstance(image, str) else image
        except Refusal as error:
            raise self._bad(frame, error.detail, error.code) from error
        return Upload(found.client_uuid, found.image_file_name, content, found.request_id, options)

    def _without_image(self, frame: bytes, found: ClientFrame) -> ClientMessage:
        received, cancel = self._ids(frame, found, found.received), self._ids(frame, found, found.cancel)
        if received is not None:
            return Received(found.client_uuid or "", received, cancel or ())
        if cancel is not None:
            return Cancel(found.client_uuid or "", cancel)
        if found.client_name is None:
            raise self._bad(frame, "None of hello (ClientName), upload (RequestId, …), Received and Cancel.")
        if len(found.client_name) > MAX_NAME_CHARACTERS:
            raise self._bad(frame, f"ClientName is longer than {MAX_NAME_CHARACTERS} characters.")
        keys = [one or "" for one in (found.client_uuid, found.resume_key, found.token)]
        if max(map(len, keys)) > MAX_KEY_CHARACTERS:
            raise self._bad(frame, f"ClientUUID, ResumeKey and Token have at most {MAX_KEY_CHARACTERS} characters.")
        return Hello(found.client_name, *keys)

    def _ids(self, frame: bytes, found: ClientFrame, raw: msgspec.Raw) -> tuple[str, ...] | None:
        size = _size(raw)
        if not size:
            return None
        ids = self._raw(frame, raw, self._id_lists) if size <= _MAX_REQUEST_IDS_BYTES else None
        if found.client_uuid is None or ids is None or len(ids) > MAX_REQUEST_IDS:
            raise self._bad(frame, f"Received and Cancel need a ClientUUID and at most {MAX_REQUEST_IDS} RequestIds.")
        return tuple(ids)

    def _raw(self, frame: bytes, raw: msgspec.Raw, decoder: Any) -> Any:
        try:
            return decoder.decode(raw)
        except _FAILURES as error:
            raise self._bad(frame, f"Not a message of this service: {error}.") from error

    def _checked_options(self, frame: bytes, raw: msgspec.Raw) -> dict[str, Any]:
        size = _size(raw)
        if not size:
            return {}
        if size > _MAX_ENCODED_OPTIONS:
            raise self._bad(frame, f"Options have more than {MAX_OPTIONS_BYTES} bytes.", ErrorCode.BAD_OPTION)
        options: dict[str, Any] = self._raw(frame, raw, self._options)
        # They travel on as JSON: MessagePack could hold what JSON cannot say.
        try:
            encoded = msgspec.json.encode(options)
            is_same = msgspec.json.decode(encoded) == options
        except (TypeError, *_FAILURES) as error:
            raise self._bad(frame, f"Options cannot be written as JSON: {error}.", ErrorCode.BAD_OPTION) from error
        if not is_same:
            raise self._bad(frame, "Options hold what JSON cannot say, as bytes or NaN.", ErrorCode.BAD_OPTION)
        if len(encoded) > MAX_OPTIONS_BYTES:
            raise self._bad(frame, f"Options have more than {MAX_OPTIONS_BYTES} bytes.", ErrorCode.BAD_OPTION)
        return options

    def _bad(self, frame: bytes, detail: str, code: ErrorCode = ErrorCode.BAD_MESSAGE) -> BadMessage:
        request_id, name = self.labels(frame)
        return BadMessage(code, detail, request_id=request_id, image_file_name=name)

    def labels(self, frame: bytes) -> tuple[str, str]:
        """RequestId and ImageFileName of a frame that may be no message, "" where there is none."""
        try:
            request_id = self._request_ids.decode(frame).request_id[:MAX_REQUEST_ID_CHARACTERS]
        except _FAILURES:
            request_id = ""
        try:
            return request_id, self._names.decode(frame).image_file_name[:MAX_NAME_CHARACTERS]
        except _FAILURES:
            return request_id, ""

    def decode_gateway_message(self, frame: bytes) -> GatewayMessage:
        """What a gateway has sent. Raises BadMessage."""
        try:
            found = self._gateway_frames.decode(frame)
        except _FAILURES as error:
            raise self._bad(frame, f"Not a message of a gateway: {error}.") from error
        kind = found.response_message
        if kind is None and found.client_uuid:
            return _welcome(found.client_uuid, found)
        name, request_id, text = found.image_file_name or "", found.request_id or "", found.ocr_result or ""
        if kind == "PENDING" or kind == "PROCESSING":
            return Progress(kind, name, request_id, text)
        if kind == "SUCCESS" and not isinstance(found.outputs, list):
            outputs, steps = found.outputs or {}, found.steps or ()
            return Success(name, text, request_id, found.confidence, found.elapsed_ms, outputs, steps)
        if kind == "FAILED":
            code, again = found.error_code or str(ErrorCode.INTERNAL), found.retry_after
            sentence = found.error_message or text
            return Failure(name, text, request_id, code, sentence, msgspec.UNSET if again is None else again)
        raise self._bad(frame, "Neither a welcome nor PENDING, PROCESSING, SUCCESS or FAILED.")


def _size(raw: msgspec.Raw) -> int:
    """In bytes; 0 for what is not there."""
    content = memoryview(raw)
    return 0 if bytes(content[:5]) in _NULLS else content.nbytes


def _welcome(client_uuid: str, found: GatewayFrame) -> Welcome:
    return Welcome(
        client_uuid,
        found.resume_key or "",
        bool(found.resumed),
        found.max_image_bytes or 0,
        1 if found.max_in_flight is None else found.max_in_flight,
        found.idle_timeout or 0.0,
        found.resume_window or 0.0,
        found.languages or (),
        tuple(found.outputs) if isinstance(found.outputs, list) else (),
    )


def _with_raw_bytes(outputs: dict[str, Any]) -> dict[str, Any]:
    """Outputs as they came in JSON, with the bytes among them as bytes."""
    return {name: _raw_bytes(content) if name in BINARY_OUTPUTS else content for name, content in outputs.items()}


def _raw_bytes(content: Any) -> Any:
    try:
        return base64.b64decode(content, validate=True)
    except (TypeError, ValueError):  # an OCR server from elsewhere: it stays as it came
        return content


JSON: Final = Codec("ocr.v2", is_binary=False)
MSGPACK: Final = Codec("ocr.v2.msgpack", is_binary=True)

CODECS: Final = {codec.subprotocol: codec for codec in (MSGPACK, JSON)}
"""By subprotocol, the one that we prefer first."""
