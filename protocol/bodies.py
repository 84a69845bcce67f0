"""The bodies between gateway and OCR server: the request for an image and its answer.

Two forms of a request (`[RabbitMQ] body`): `json`, which every OCR server understands, and `raw`, the image's
bytes with the rest in headers. Readers need no setting: content_type and the ClientUUID header tell them apart.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

import msgspec

from .errors import ErrorCode
from .messages import MAX_NAME_CHARACTERS, UndecodableMessage, decode_image, decode_with, encode_image

MAX_ANSWER_BYTES: Final = 15 * 1024 * 1024
"""Largest answer that is published: RabbitMQ 4 closes the channel over a message of more than 16 MiB."""


RAW: Final = "application/octet-stream"
"""The content_type of a request whose body is the image itself."""


@dataclasses.dataclass(frozen=True, slots=True)
class OcrRequest:
    """An image for an OCR server. Its message_id, reply_to and so on are properties of the message."""

    client_uuid: str
    image_file_name: str
    image: bytes


class _JsonRequest(
    msgspec.Struct,
    frozen=True,
    rename={
        "client_uuid": "ClientUUID",
        "image_file_name": "ImageFileName",
        "image_base64_data": "ImageBase64Data",
        "ocr_result": "OcrResult",
    },
):
    client_uuid: str
    image_file_name: str
    image_base64_data: str
    ocr_result: str = ""


class OcrAnswer(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "client_uuid": "ClientUUID",
        "image_file_name": "ImageFileName",
        "ocr_result": "OcrResult",
        "error_code": "ErrorCode",
        "error_message": "ErrorMessage",
    },
):
    """An OCR server's answer: the text, or with an empty text an error code and its sentence.

    `error_code` is a str, not an ErrorCode: a foreign or newer OCR server may have codes of its own.
    """

    client_uuid: str
    image_file_name: str
    ocr_result: str
    error_code: str = ""
    error_message: str = ""


_requests = msgspec.json.Decoder(_JsonRequest)
_answers = msgspec.json.Decoder(OcrAnswer)


def encode_request(request: OcrRequest, body: str) -> tuple[bytes, dict[str, str], str]:
    """The message body, its headers and its content_type; `body` is the setting, "json" or "raw"."""
    if body == "raw":
        headers = {"ClientUUID": request.client_uuid, "ImageFileName": request.image_file_name}
        return request.image, headers, RAW
    encoded = _JsonRequest(request.client_uuid, request.image_file_name, encode_image(request.image))
    return msgspec.json.encode(encoded), {}, "application/json"


def decode_request(body: bytes, headers: Mapping[str, object], content_type: str | None) -> OcrRequest:
    """The request in a message. Raises UndecodableMessage, or Refusal BAD_BASE64."""
    if _is_raw(headers, content_type):
        client_uuid, name = headers["ClientUUID"], headers.get("ImageFileName")
        if not isinstance(client_uuid, str) or not isinstance(name, str):
            raise UndecodableMessage("The headers ClientUUID and ImageFileName must be strings.")
        return OcrRequest(client_uuid, name, body)
    found = decode_with(_requests, body)
    return OcrRequest(found.client_uuid, found.image_file_name, decode_image(found.image_base64_data))


def addressee(body: bytes, headers: Mapping[str, object], content_type: str | None) -> tuple[str, str] | None:
    """ClientUUID and ImageFileName of a request, also of one that is damaged otherwise; None: it cannot be answered.

    Names beyond MAX_NAME_CHARACTERS are none: they would go into logs, and with the answer over its bound.
    """
    if _is_raw(headers, content_type):
        client_uuid, name = str(headers["ClientUUID"]), str(headers.get("ImageFileName", ""))
    else:
        try:
            found = decode_with(_addressees, body)
        except UndecodableMessage:
            return None
        client_uuid, name = found.client_uuid, found.image_file_name
    return (client_uuid, name) if max(len(client_uuid), len(name)) <= MAX_NAME_CHARACTERS else None


def _is_raw(headers: Mapping[str, object], content_type: str | None) -> bool:
    return content_type == RAW and "ClientUUID" in headers


class _Addressee(msgspec.Struct, frozen=True, rename={"client_uuid": "ClientUUID", "image_file_name": "ImageFileName"}):
    client_uuid: str
    image_file_name: str


_addressees = msgspec.json.Decoder(_Addressee)


def success(request: OcrRequest, text: str) -> OcrAnswer:
    """The answer with the recognised text."""
    return OcrAnswer(request.client_uuid, request.image_file_name, text)


def failure(client_uuid: str, image_file_name: str, code: ErrorCode, sentence: str) -> OcrAnswer:
    """The answer that says why there is no text."""
    return OcrAnswer(client_uuid, image_file_name, "", str(code), sentence)


def encode_answer(answer: OcrAnswer) -> bytes:
    """The answer as a JSON body: three keys, or five for a failure.

    An answer of over MAX_ANSWER_BYTES becomes the failure RESULT_TOO_LARGE.
    """
    body = msgspec.json.encode(answer)
    if len(body) <= MAX_ANSWER_BYTES:
        return body
    code = ErrorCode.RESULT_TOO_LARGE
    return msgspec.json.encode(failure(answer.client_uuid, answer.image_file_name, code, code.text))


def decode_answer(body: bytes) -> OcrAnswer:
    """The answer in a message. Raises UndecodableMessage."""
    return decode_with(_answers, body)
