"""Image files as no library would write them: any size in their heads, structures that go round."""

import struct
import zlib
from collections.abc import Callable


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))


def png(width: int, height: int, rows: bytes, *, depth: int = 1, more: bytes = b"") -> bytes:
    """A grey PNG with any size in its head, whatever its rows hold."""
    head = struct.pack("!IIBBBBB", width, height, depth, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", head) + more + png_chunk(b"IDAT", zlib.compress(rows, 9)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def gif(width: int, height: int, frames: int = 1) -> bytes:
    """A GIF whose frames are one pixel each, on a screen of any size."""
    one = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return (
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3 + one * frames + b"\x3b"
    )


def webp(width: int, height: int) -> bytes:
    """A lossless WebP of one colour, which needs no bits for its pixels: each of its five codes has one symbol."""
    bits = "000" + "1000" * 5  # no transform, no cache, no groups; a simple code, of one symbol, of one bit, which is 0
    body = int(bits[::-1], 2).to_bytes(3, "little")
    vp8l = b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little") + body
    chunk = b"WEBPVP8L" + struct.pack("<I", len(vp8l)) + vp8l
    return b"RIFF" + struct.pack("<I", len(chunk)) + chunk


def tiff_directory(tags: list[tuple[int, int, int, int]], next_at: int) -> bytes:
    """tags: number, type (3: 16 bits, 4: 32 bits), count, value or place."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", next_at)


def tiff_page(
    width: int, height: int, at: int, next_at: int, strip: int = 8, size: int = 1, compression: int = 1
) -> bytes:
    """The directory of a page of 8-bit grey whose one strip is elsewhere in the file."""
    tags = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1)),
        *((273, 4, 1, strip), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, size)),
    ]
    return tiff_directory(tags, next_at)


DIRECTORY = 2 + 9 * 12 + 4  # bytes of a tiff_page


def tiff(pages: Callable[[int], bytes], strip: bytes = b"\xff" * 8) -> bytes:
    """pages: makes the directories, given the place of the first."""
    first = 8 + len(strip)
    return b"II*\x00" + struct.pack("<I", first) + strip + pages(first)


def tiff_loop(length: int) -> bytes:
    """So many pages, the last of which goes on with the first."""

    def pages(first: int) -> bytes:
        places = [first + number * DIRECTORY for number in range(length)]
        return b"".join(
            tiff_page(1, 1, at, following) for at, following in zip(places, [*places[1:], first], strict=True)
        )

    return tiff(pages)
