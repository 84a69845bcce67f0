"""A page's image as a PDF can carry it: the client's own bytes where PDF knows the encoding, else its pixels, lossless.

JPEG and PNG keep their bytes, pages of one bit are CCITT G4, anything else is encoded as PNG does it. Only what would
be too large for an answer (photos from formats that PDF does not know) becomes JPEG.
"""

import dataclasses
import io
import struct
from collections.abc import Iterator
from typing import Any, Final

from protocol.errors import ErrorCode, Refusal

Frame = Any
"""A PIL.Image.Image, opened or made; image.py alone imports Pillow."""

MAX_PICTURES: Final = 10 * 1024 * 1024
"""Bytes of all pictures of a PDF: in base64, with a text layer and other outputs, an answer still holds them."""

JPEG_QUALITY: Final = 90

_WHY: Final = f"Its image takes more than the {MAX_PICTURES // 2**20} MiB that a PDF may have; other outputs need less."

_PDF_SOFS: Final = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what DCTDecode knows (ISO 32000-1, 7.4.8)
_SOFS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE: Final = (0x01, *range(0xD0, 0xD9))  # JPEG markers without a length
_CHANNELS: Final = {"L": 1, "RGB": 3, "CMYK": 4}


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image as the stream of a PDF, and what has to be said of it.

    codec: "jpeg", "g4" or "png" (zlib with PNG's predictors). channels: 1, 3, 4. palette: RGB, of one channel of
    indices. dpi: across and down, None when the file does not tell. mask: how opaque each pixel is.
    """

    codec: str
    stream: bytes = dataclasses.field(repr=False)
    width: int
    height: int
    channels: int
    bits: int = 8
    palette: bytes = b""
    dpi: tuple[float, float] | None = None
    mask: "Picture | None" = None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.stream) + (self.mask.size if self.mask else 0)


def picture_of(frame: Frame, file: bytes, most: int = MAX_PICTURES) -> Picture:
    """The picture of a page. file: whose frame it is. most: bytes. Raises Refusal RESULT_TOO_LARGE."""
    found = _as_it_came(frame, file) or _encoded(frame, most)
    if found.size > most:
        raise Refusal(ErrorCode.RESULT_TOO_LARGE, _WHY)
    return dataclasses.replace(found, dpi=_dpi(frame))


def _as_it_came(frame: Frame, file: bytes) -> Picture | None:
    """With the file's own bytes; None when PDF has another idea of them."""
    if frame.format in ("JPEG", "MPO"):
        return _jpeg(file)
    if frame.format == "PNG" and not frame.has_transparency_data:
        return _png(file)
    return None


def _jpeg(file: bytes) -> Picture | None:
    """A JPEG as a PDF's image; what it is, its frame's header tells (the decoder may have been asked for grey only)."""
    place = 2
    while place + 10 <= len(file) and file[place] == 0xFF:
        marker = file[place + 1]
        if marker == 0xFF or marker in _STANDALONE:
            place += 1 if marker == 0xFF else 2
        elif marker in _SOFS:
            bits, height, width, channels = struct.unpack(">BHHB", file[place + 4 : place + 10])
            is_known = marker in _PDF_SOFS and bits == 8 and channels in _CHANNELS.values() and width and height
            return Picture("jpeg", file, width, height, channels) if is_known else None
        else:
            place += 2 + int.from_bytes(file[place + 2 : place + 4])
    return None


def _png(file: bytes) -> Picture | None:
    """A PNG's compressed pixels are a PDF's, unless they are interlaced, transparent or of an animation."""
    chunks = dict[bytes, bytes]()
    pixels = list[bytes]()
    for kind, content in _chunks(file):
        if kind == b"IDAT":
            pixels.append(content)
        else:
            chunks.setdefault(kind, content)
    if len(chunks.get(b"IHDR", b"")) != 13 or b"acTL" in chunks:
        return None
    width, height, bits, colours, _, _, is_interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    channels = {0: 1, 2: 3, 3: 1}.get(colours)
    palette = chunks.get(b"PLTE", b"") if colours == 3 else b""
    if is_interlaced or channels is None or len(palette) % 3 or bool(palette) != (colours == 3):
        return None
    return Picture("png", b"".join(pixels), width, height, channels, bits, palette)


def _chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(file):
        length, kind = struct.unpack(">I4s", file[place : place + 8])
        yield kind, file[place + 8 : place + 8 + length]
        place += 12 + length


def _encoded(frame: Frame, most: int) -> Picture:
    if frame.has_transparency_data:
        rgba = frame.convert("RGBA")
        picture, mask = _pixels(rgba.convert("RGB"), most), _pixels(rgba.getchannel("A"), most)
        return dataclasses.replace(picture, mask=mask)
    if frame.mode == "1":
        return _g4(frame, most)
    if frame.mode in ("I", "F"):
        low, high = frame.getextrema()
        scale = 255 / (high - low) if high > low else 1.0
        return _pixels(frame.point(lambda value: value * scale - low * scale).convert("L"), most)
    kept = ("L", "P", "RGB", "I;16")
    return _pixels(frame if frame.mode in kept else frame.convert("RGB"), most)


def _pixels(image: Frame, most: int) -> Picture:
    """The pixels without loss, or as JPEG where that would be too large."""
    try:
        # The first level: half the time of the default, a tenth more bytes.
        found = _png(_saved(image, most, "PNG", compress_level=1))
    except _TooLarge:
        found = None
    if found:
        return found
    seen = image.convert("L" if image.mode in ("L", "I;16") else "RGB")
    try:
        stream = _saved(seen, most, "JPEG", quality=JPEG_QUALITY)
    except _TooLarge as error:
        raise Refusal(ErrorCode.RESULT_TOO_LARGE, _WHY) from error
    return Picture("jpeg", stream, seen.width, seen.height, _CHANNELS[seen.mode])


def _g4(image: Frame, most: int) -> Picture:
    """Pixels of one bit as fax machines send them: the smallest lossless form that PDF knows."""
    width, height = image.size
    row = (width + 7) // 8
    try:
        tiff = _saved(image, most, "TIFF", compression="group4", strip_size=row * height)  # all in one strip
    except _TooLarge as error:
        raise Refusal(ErrorCode.RESULT_TOO_LARGE, _WHY) from error
    (directory,) = struct.unpack("<I", tiff[4:8])
    (count,) = struct.unpack("<H", tiff[directory : directory + 2])
    entries = struct.iter_unpack("<HHII", tiff[directory + 2 : directory + 2 + 12 * count])
    values = {tag: value for tag, _, _, value in entries}
    start = values[273]  # StripOffsets, StripByteCounts (TIFF 6.0, section 8)
    return Picture("g4", tiff[start : start + values[279]], width, height, 1, bits=1)


class _TooLarge(Exception):
    """What is being saved is larger than allowed."""


class _Bounded(io.BytesIO):
    """Takes so many bytes and no more: hostile pixels do not fill the memory."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, content: Any) -> int:
        if self.tell() + len(content) > self._most:
            raise _TooLarge
        return super().write(content)


def _saved(image: Frame, most: int, name: str, **how: Any) -> bytes:
    file = _Bounded(most)
    image.save(file, name, **how)
    return file.getvalue()


def _dpi(frame: Frame) -> tuple[float, float] | None:
    try:
        across, down = (float(one) for one in frame.info["dpi"])
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    credible = 50 <= across <= 4800 and 50 <= down <= 4800
    return (across, down) if credible else None
