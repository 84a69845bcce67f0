"""The messages between client and gateway (v1).

Wire keys are CamelCase, Python names snake_case. What we send has exactly the keys of the contract, because
old peers tell messages apart by counting keys; what we receive is told apart by the keys' names, and keys that
we do not know are ignored. A null is as good as no key: in many languages that is how what is not there is written.
Whatever bytes arrive, decoding raises `UndecodableMessage` and nothing else.
"""

import binascii
import contextlib
import datetime
import uuid
from typing import Final, Literal, TypeVar

import msgspec

from .errors import ErrorCode, Refusal

PENDING_TEXT: Final = "尚未得到OCR結果"
"""OcrResult of every PENDING message: fixed by the first version of the wire."""

MAX_NAME_CHARACTERS: Final = 1024
"""Longest ClientName and ImageFileName: several times a file name's length on the usual file systems."""

_FRAME_OVERHEAD: Final = 2048  # keys, ClientUUID, and a file name with every character as \uXXXX


class UndecodableMessage(Refusal):
    """A frame or body that is none of the contract's messages; the cause is kept as `__cause__`.

    `image_file_name` is the name found in it, "" when there was none to be found.
    """

    def __init__(self, detail: str, image_file_name: str = "") -> None:
        super().__init__(ErrorCode.BAD_MESSAGE, detail)
        self.image_file_name = image_file_name


class _Message(msgspec.Struct, frozen=True):
    """What all messages share: frozen, and encoded in the wire's spelling."""


class Hello(_Message, frozen=True, omit_defaults=True, rename={"client_name": "ClientName", "token": "Token"}):
    """A client's first message. token: "" where none is asked for."""

    client_name: str
    token: str = ""


class Assigned(_Message, frozen=True, rename={"client_uuid": "ClientUUID"}):
    """The gateway's answer to a hello: exactly this one key."""

    client_uuid: str


class Upload(
    _Message,
    frozen=True,
    rename={
        "client_uuid": "ClientUUID",
        "image_file_name": "ImageFileName",
        "image_base64_data": "ImageBase64Data",
    },
):
    """An image from a client."""

    client_uuid: str
    image_file_name: str
    image_base64_data: str


class Response(
    _Message,
    frozen=True,
    rename={
        "response_message": "ResponseMessage",
        "image_file_name": "ImageFileName",
        "ocr_result": "OcrResult",
    },
):
    """What the gateway says of an image: PENDING once, then one of the two final answers."""

    response_message: Literal["PENDING", "SUCCESS", "FAILED"]
    image_file_name: str
    ocr_result: str

    @property
    def is_final(self) -> bool:
        """True for the one answer after which nothing more comes for this image."""
        return self.response_message != "PENDING"


def pending(image_file_name: str) -> Response:
    """The message that says the broker has confirmed the image."""
    return Response("PENDING", image_file_name, PENDING_TEXT)


def new_client_uuid() -> str:
    """A ClientUUID: local time to the second and a random UUID, "YYYY-MM-DD-HH-MM-SS-<uuid4>"."""
    return f"{datetime.datetime.now():%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}"


def encode(message: Hello | Assigned | Upload | Response) -> bytes:
    """The message as one JSON object in UTF-8."""
    return msgspec.json.encode(message)


class _ClientFrame(
    msgspec.Struct,
    rename={
        "client_name": "ClientName",
        "token": "Token",
        "client_uuid": "ClientUUID",
        "image_file_name": "ImageFileName",
        "image_base64_data": "ImageBase64Data",
    },
):
    client_name: str | None = None
    token: str | None = None
    client_uuid: str | None = None
    image_file_name: str | None = None
    image_base64_data: str | None = None


class _NamedFrame(msgspec.Struct, rename={"image_file_name": "ImageFileName"}):
    image_file_name: str = ""


_client_frames = msgspec.json.Decoder(_ClientFrame)
_named_frames = msgspec.json.Decoder(_NamedFrame)
_responses = msgspec.json.Decoder(Response)
_assigned = msgspec.json.Decoder(Assigned)

_T = TypeVar("_T")


def decode_with(decoder: "msgspec.json.Decoder[_T]", frame: bytes) -> _T:
    """Decode JSON with a typed decoder; every way in which that can fail is UndecodableMessage."""
    try:
        return decoder.decode(frame)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UndecodableMessage(f"Not a message of this service: {error}.", image_file_name(frame)) from error


def image_file_name(frame: bytes) -> str:
    """The ImageFileName in a frame that is otherwise no message; "" when it has none."""
    try:
        return _named_frames.decode(frame).image_file_name[:MAX_NAME_CHARACTERS]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""


def decode_client_message(frame: bytes) -> Hello | Upload:
    """Decode what a client sent: an upload if it names an image, else a hello.

    Raises UndecodableMessage.
    """
    found = decode_with(_client_frames, frame)
    if found.image_file_name is None and found.image_base64_data is None:
        if found.client_name is None:
            raise UndecodableMessage("Neither a hello (ClientName) nor an upload (ImageFileName, ImageBase64Data).")
        if len(found.client_name) > MAX_NAME_CHARACTERS:
            raise UndecodableMessage(f"ClientName is longer than {MAX_NAME_CHARACTERS} characters.")
        return Hello(found.client_name, found.token or "")
    name = found.image_file_name or ""
    if found.client_uuid is None or found.image_file_name is None or found.image_base64_data is None:
        raise UndecodableMessage(
            "An upload needs ClientUUID, ImageFileName and ImageBase64Data.", name[:MAX_NAME_CHARACTERS]
        )
    if len(name) > MAX_NAME_CHARACTERS:
        raise UndecodableMessage(
            f"ImageFileName is longer than {MAX_NAME_CHARACTERS} characters.", name[:MAX_NAME_CHARACTERS]
        )
    return Upload(found.client_uuid, name, found.image_base64_data)


def decode_assigned(frame: bytes) -> Assigned:
    """Decode the gateway's answer to a hello. Raises UndecodableMessage."""
    return decode_with(_assigned, frame)


def decode_response(frame: bytes) -> Response:
    """Decode what the gateway says of an image. Raises UndecodableMessage."""
    return decode_with(_responses, frame)


def encode_image(image: bytes) -> str:
    """The image as ImageBase64Data."""
    return str(msgspec.to_builtins(image))  # a quarter of the time that base64 takes


def decode_image(image_base64_data: str) -> bytes:
    """The bytes of an ImageBase64Data; line breaks in it, as MIME encoders put them, are allowed.

    Raises Refusal BAD_BASE64.
    """
    # msgspec is six times as fast as binascii, and takes nothing that that would not; it does not say what is wrong.
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.convert(image_base64_data, bytes)
    compact = "".join(image_base64_data.split()) if "\n" in image_base64_data else image_base64_data
    try:
        return binascii.a2b_base64(compact, strict_mode=True)
    except ValueError as error:  # binascii.Error, and characters outside of ASCII
        raise Refusal(ErrorCode.BAD_BASE64, f"Decoding failed: {error}.") from error


def frame_limit(max_image_bytes: int) -> int:
    """The largest frame in bytes that an upload of an image of `max_image_bytes` can need."""
    return 4 * ((max_image_bytes + 2) // 3) + _FRAME_OVERHEAD
