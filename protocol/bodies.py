"""The bodies between gateway and OCR server: the request for an image and its answer.

Two forms of a request (`[RabbitMQ] body`): `json`, which every OCR server understands, and `raw`, the image's
bytes with the rest in headers. Readers need no setting: content_type and the ClientUUID header tell them apart.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from .errors import ErrorCode
from .messages import MAX_NAME_CHARACTERS, UndecodableMessage, decode_image, decode_with, encode_image

MAX_ANSWER_BYTES: Final = 15 * 1024 * 1024
"""Largest answer that is published: RabbitMQ 4 closes the channel over a message of more than 16 MiB."""


RAW: Final = "application/octet-stream"
"""The content_type of a request whose body is the image itself."""


@dataclasses.dataclass(frozen=True, slots=True)
class OcrRequest:
    """An image for an OCR server. Its message_id, reply_to and so on are properties of the message.

    request_id: "" from a v1 client. options: as a v2 client sent them, unchecked.
    """

    client_uuid: str
    image_file_name: str
    image: bytes = dataclasses.field(repr=False)
    request_id: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class _JsonRequest(
    msgspec.Struct,
    frozen=True,
    rename={
        "client_uuid": "ClientUUID",
        "image_file_name": "ImageFileName",
        "image_base64_data": "ImageBase64Data",
        "ocr_result": "OcrResult",
        "request_id": "RequestId",
        "options": "Options",
    },
):
    client_uuid: str
    image_file_name: str
    image_base64_data: str
    ocr_result: str | None = ""
    request_id: str | msgspec.UnsetType | None = msgspec.UNSET
    options: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET


@dataclasses.dataclass(frozen=True, slots=True)
class Details:
    """What an answer to a v2 request says beside the text.

    confidence: 0 to 100, mean over words; None without words. elapsed_ms: the engine's time. outputs: by name; bytes
    are base64. steps: what was done to the image before it was read.
    """

    confidence: float | None = None
    elapsed_ms: float | None = None
    outputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    steps: tuple[str, ...] = ()


class OcrProgress(
    msgspec.Struct,
    frozen=True,
    rename={
        "client_uuid": "ClientUUID",
        "image_file_name": "ImageFileName",
        "request_id": "RequestId",
        "status": "Status",
    },
):
    """An OCR server has begun to read an image of a v2 client."""

    client_uuid: str
    image_file_name: str
    request_id: str
    status: Literal["PROCESSING"] = "PROCESSING"


@dataclasses.dataclass(frozen=True, slots=True)
class OcrAnswer:
    """An OCR server's answer: the text, or with an empty text an error code and its sentence.

    `error_code` is a str, not an ErrorCode: a foreign or newer OCR server may have codes of its own.
    request_id: "" for an image of a v1 client, or from an OCR server that knows v1 only; details: only with one.
    """

    client_uuid: str
    image_file_name: str
    ocr_result: str
    error_code: str = ""
    error_message: str = ""
    request_id: str = ""
    details: Details = dataclasses.field(default_factory=Details)


class _AnyAnswer(
    msgspec.Struct,
    frozen=True,
    rename={
        "client_uuid": "ClientUUID",
        "image_file_name": "ImageFileName",
        "ocr_result": "OcrResult",
        "error_code": "ErrorCode",
        "error_message": "ErrorMessage",
        "request_id": "RequestId",
        "confidence": "Confidence",
        "elapsed_ms": "ElapsedMs",
        "outputs": "Outputs",
        "steps": "Steps",
        "status": "Status",
    },
):
    client_uuid: str
    image_file_name: str
    ocr_result: str | msgspec.UnsetType | None = msgspec.UNSET
    error_code: str | msgspec.UnsetType | None = msgspec.UNSET
    error_message: str | msgspec.UnsetType | None = msgspec.UNSET
    request_id: str | msgspec.UnsetType | None = msgspec.UNSET
    confidence: float | msgspec.UnsetType | None = msgspec.UNSET
    elapsed_ms: float | msgspec.UnsetType | None = msgspec.UNSET
    outputs: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    steps: tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET
    status: str | msgspec.UnsetType | None = msgspec.UNSET


_requests = msgspec.json.Decoder(_JsonRequest)
_any_answers = msgspec.json.Decoder(_AnyAnswer)
_options = msgspec.json.Decoder(dict[str, Any])


def encode_request(request: OcrRequest, body: str) -> tuple[bytes, dict[str, str], str]:
    """The message body, its headers and its content_type; `body` is the setting, "json" or "raw"."""
    if body == "raw":
        headers = {"ClientUUID": request.client_uuid, "ImageFileName": request.image_file_name}
        if request.request_id:
            options = msgspec.json.encode(request.options).decode()
            headers |= {"RequestId": request.request_id, "Options": options}
        return request.image, headers, RAW
    encoded = _JsonRequest(request.client_uuid, request.image_file_name, encode_image(request.image))
    if request.request_id:
        encoded = msgspec.structs.replace(encoded, request_id=request.request_id, options=dict(request.options))
    return msgspec.json.encode(encoded), {}, "application/json"


def decode_request(body: bytes, headers: Mapping[str, object], content_type: str | None) -> OcrRequest:
    """The request in a message. Raises UndecodableMessage, or Refusal BAD_BASE64."""
    if _is_raw(headers, content_type):
        client_uuid, name = headers["ClientUUID"], headers.get("ImageFileName")
        if not isinstance(client_uuid, str) or not isinstance(name, str):
            raise UndecodableMessage("The headers ClientUUID and ImageFileName must be strings.")
        options = decode_with(_options, str(headers.get("Options", "{}")).encode())
        return OcrRequest(client_uuid, name, body, str(headers.get("RequestId", "")), options)
    found = decode_with(_requests, body)
    image = decode_image(found.image_base64_data)
    return OcrRequest(found.client_uuid, found.image_file_name, image, found.request_id or "", found.options or {})


@dataclasses.dataclass(frozen=True, slots=True)
class Addressee:
    """Whom an answer is for. request_id: "" for an image of a v1 client."""

    client_uuid: str
    image_file_name: str
    request_id: str = ""


def addressee(body: bytes, headers: Mapping[str, object], content_type: str | None) -> Addressee | None:
    """Whom the answer to a request is for, also to one that is damaged otherwise; None: it cannot be answered.

    Names beyond MAX_NAME_CHARACTERS are none: they would go into logs, and with the answer over its bound.
    """
    if _is_raw(headers, content_type):
        keys = ("ClientUUID", "ImageFileName", "RequestId")
        found = Addressee(*(str(headers.get(key, "")) for key in keys))
    else:
        try:
            named = decode_with(_addressees, body)
        except UndecodableMessage:
            return None
        found = Addressee(named.client_uuid, named.image_file_name, named.request_id or "")
    longest = max(len(found.client_uuid), len(found.image_file_name), len(found.request_id))
    return found if longest <= MAX_NAME_CHARACTERS else None


def _is_raw(headers: Mapping[str, object], content_type: str | None) -> bool:
    return content_type == RAW and "ClientUUID" in headers


class _Addressee(
    msgspec.Struct,
    frozen=True,
    rename={"client_uuid": "ClientUUID", "image_file_name": "ImageFileName", "request_id": "RequestId"},
):
    client_uuid: str
    image_file_name: str
    request_id: str | None = None


_addressees = msgspec.json.Decoder(_Addressee)


def success(request: OcrRequest, text: str, details: Details | None = None) -> OcrAnswer:
    """The answer with the recognised text."""
    return OcrAnswer(
        request.client_uuid,
        request.image_file_name,
        text,
        request_id=request.request_id,
        details=details or Details(),
    )


def failure(to: Addressee, code: ErrorCode, sentence: str, details: Details | None = None) -> OcrAnswer:
    """The answer that says why there is no text."""
    return OcrAnswer(to.client_uuid, to.image_file_name, "", str(code), sentence, to.request_id, details or Details())


def encode_answer(answer: OcrAnswer) -> bytes:
    """The answer as a JSON body: three keys, two more for a failure, five more for a request with RequestId.

    An answer of over MAX_ANSWER_BYTES becomes the failure RESULT_TOO_LARGE.
    """
    body = _encode_answer(answer)
    if len(body) <= MAX_ANSWER_BYTES:
        return body
    code = ErrorCode.RESULT_TOO_LARGE
    to = Addressee(answer.client_uuid, answer.image_file_name, answer.request_id)
    return _encode_answer(failure(to, code, code.text, Details(elapsed_ms=answer.details.elapsed_ms)))


def _encode_answer(answer: OcrAnswer) -> bytes:
    unset, has_id, details = msgspec.UNSET, bool(answer.request_id), answer.details
    return msgspec.json.encode(
        _AnyAnswer(
            answer.client_uuid,
            answer.image_file_name,
            answer.ocr_result,
            answer.error_code or unset,
            answer.error_message or answer.error_code or unset,
            answer.request_id or unset,
            details.confidence if has_id else unset,
            details.elapsed_ms if has_id else unset,
            dict(details.outputs) if has_id else unset,
            details.steps if has_id else unset,
        )
    )


def encode_progress(progress: OcrProgress) -> bytes:
    """The progress as a JSON body."""
    return msgspec.json.encode(progress)


def decode_answer(body: bytes) -> OcrAnswer | OcrProgress:
    """The answer in a message, or the progress. Raises UndecodableMessage."""
    found = decode_with(_any_answers, body)
    unset = msgspec.UNSET
    request_id, code = found.request_id or "", found.error_code or ""
    if found.status is not unset and found.status is not None:
        if not request_id or found.status != "PROCESSING":
            raise UndecodableMessage(f"A progress with Status {found.status!r} and RequestId {request_id!r}.")
        return OcrProgress(found.client_uuid, found.image_file_name, request_id)
    if (found.ocr_result is unset or found.ocr_result is None) and not code:
        raise UndecodableMessage("An answer needs OcrResult.", found.image_file_name)
    details = Details(
        None if found.confidence is unset else found.confidence,
        None if found.elapsed_ms is unset else found.elapsed_ms,
        found.outputs or {},
        found.steps or (),
    )
    name, message = found.image_file_name, found.error_message or ""
    return OcrAnswer(found.client_uuid, name, found.ocr_result or "", code, message, request_id, details)
