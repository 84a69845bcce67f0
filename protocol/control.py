"""What gateways and OCR servers tell each other beside images and answers: cancellations and announcements. Pure.

Both are best effort: no image needs them to be read.
"""

from typing import Final

import msgspec

from .messages import UndecodableMessage, decode_with

ANNOUNCE_EVERY: Final = 30.0
"""Seconds between two announcements of an OCR server."""

MAX_ANNOUNCEMENT_BYTES: Final = 64 * 1024
"""Of a longer one nothing is taken: what it says would be in the welcome of every client. All of Tesseract's languages
and scripts are 2 KiB."""


class Announcement(msgspec.Struct, frozen=True, rename="pascal"):
    """From an OCR server: what it can do. server: its name, one for each running server. slots: its processes."""

    server: str
    slots: int
    languages: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    version: str = ""


class _AnyAnnouncement(msgspec.Struct, rename="pascal"):
    server: str
    slots: int
    languages: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    version: str | None = None


class Cancelled(msgspec.Struct, frozen=True, rename={"client_uuid": "ClientUUID", "request_id": "RequestId"}):
    """What is cancelled: all images of a client, or with request_id one."""

    client_uuid: str
    request_id: str | msgspec.UnsetType = msgspec.UNSET


class _Control(msgspec.Struct, frozen=True, rename="pascal"):
    cancel: Cancelled | None = None


_controls = msgspec.json.Decoder(_Control)
_announcements = msgspec.json.Decoder(_AnyAnnouncement)


def encode_cancel(cancelled: Cancelled) -> bytes:
    """The body of a message to `ocr.control`."""
    return msgspec.json.encode({"Cancel": cancelled})


def decode_control(body: bytes) -> Cancelled | None:
    """What a message of `ocr.control` cancels; None when it is about something else. Raises UndecodableMessage."""
    return decode_with(_controls, body).cancel


def encode_announcement(announcement: Announcement) -> bytes:
    """The body of a message to `ocr.announce`."""
    return msgspec.json.encode(announcement)


def decode_announcement(body: bytes) -> Announcement:
    """The announcement in a message of `ocr.announce`. Raises UndecodableMessage."""
    if len(body) > MAX_ANNOUNCEMENT_BYTES:
        raise UndecodableMessage(f"An announcement of {len(body)} bytes, more than {MAX_ANNOUNCEMENT_BYTES}.")
    found = decode_with(_announcements, body)
    return Announcement(found.server, found.slots, found.languages or (), found.outputs or (), found.version or "")
