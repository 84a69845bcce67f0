"""Images meant to harm whoever decodes them, made on the spot. Each kind with the answers that are sensible for it."""

import functools
import importlib.util
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image, features

from tests.contract.drawn_images import WORDS, drawn
from tests.fuzz.images_by_hand import gif, png, png_chunk, tiff, tiff_directory, tiff_loop, tiff_page, webp

SUCCESS, UNSUPPORTED, TOO_LARGE = "SUCCESS", "UNSUPPORTED_IMAGE", "IMAGE_TOO_LARGE"
ANY = frozenset({SUCCESS, UNSUPPORTED, TOO_LARGE})


@dataclass(frozen=True)
class Hostile:
    """An image. answers: SUCCESS or error codes, one of which is to come. text: of a SUCCESS; None: any."""

    name: str
    content: bytes = field(repr=False)
    answers: frozenset[str] = ANY
    text: str | None = None


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, image_format, **options)
    return encoded.getvalue()


@functools.cache
def words() -> Image.Image:
    """A picture that shows WORDS in grey."""
    return Image.open(io.BytesIO(drawn())).convert("L")


def in_mode(grey: Image.Image, mode: str) -> Image.Image:
    """The picture in another of Pillow's modes, with the full range of its values."""
    if mode in ("I;16", "I", "F"):
        return grey.convert("I").point(lambda value: value * 257).convert(mode)
    return grey.convert("RGB").convert(mode)


def with_many_scans(times: int) -> bytes:
    """A progressive JPEG whose last scan is there so many times: each costs as much as the whole image."""
    whole = saved(Image.effect_noise((640, 640), 60), "JPEG", progressive=True, quality=30)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * times + whole[-2:]


def exif_loop() -> bytes:
    """A JPEG whose EXIF directory goes on with itself, and points to itself for its sub-directory."""
    directory = b"II*\x00\x08\x00\x00\x00" + tiff_directory([(0x0112, 3, 1, 6), (0x8769, 4, 1, 8)], 8)
    return saved(words(), "JPEG", exif=b"Exif\x00\x00" + directory)


# The corpus


def bombs() -> Iterator[Hostile]:
    """Little files that would be much in memory."""
    large, damaged = frozenset({TOO_LARGE}), frozenset({TOO_LARGE, UNSUPPORTED})
    yield Hostile("60,000 x 60,000 PNG", png(60_000, 60_000, bytes(7501 * 1000)), large)
    yield Hostile("2^31 - 1 x 2^31 - 1 PNG", png(2**31 - 1, 2**31 - 1, b""), damaged)
    yield Hostile("PNG with more rows than it says", png(8, 8, bytes(64 * 1024 * 1024)))
    compressed = b"Comment\x00\x00" + zlib.compress(bytes(64 * 1024 * 1024), 9)
    yield Hostile("PNG with 64 MiB of compressed text", png(8, 8, bytes(16), more=png_chunk(b"zTXt", compressed)))
    profile = b"icc\x00\x00" + zlib.compress(bytes(64 * 1024 * 1024), 9)
    yield Hostile("PNG with 64 MiB of colour profile", png(8, 8, bytes(16), more=png_chunk(b"iCCP", profile)))
    yield Hostile("65,535 x 65,535 GIF", gif(65_535, 65_535), large)
    yield Hostile("16,384 x 16,384 WebP", webp(16_384, 16_384), large)
    for name, photo in photos().items():
        size_at = photo.index(b"ispe") + 8
        for width, height in ((60_000, 60_000), (30_000, 30_000), (2**32 - 1, 1), (0, 0), (8, 8)):
            told = photo[:size_at] + struct.pack("!II", width, height) + photo[size_at + 8 :]
            yield Hostile(f"{name} that says {width} x {height}", told, ANY if width == 8 else damaged)
    strip = zlib.compress(bytes(32 * 1024 * 1024), 9)
    place = {"strip": 8, "size": len(strip), "compression": 8}
    yield Hostile("50,000 x 50,000 TIFF", tiff(lambda at: tiff_page(50_000, 50_000, at, 0, **place), strip), large)
    yield Hostile("TIFF with a strip of 32 MiB", tiff(lambda at: tiff_page(8, 8, at, 0, **place), strip))
    yield Hostile("2^32 - 1 x 2^32 - 1 TIFF", tiff(lambda at: tiff_page(2**32 - 1, 2**32 - 1, at, 0)), damaged)
    jpeg = bytearray(saved(words(), "JPEG"))
    size_at = jpeg.index(b"\xff\xc0") + 5
    jpeg[size_at : size_at + 4] = struct.pack("!HH", 65_500, 65_500)
    yield Hostile("65,500 x 65,500 JPEG", bytes(jpeg), large)
    yield Hostile("JPEG of 100 scans", with_many_scans(100))
    as_large_as_may_be = png(10_000, 10_000, bytes(1251 * 10_000))
    yield Hostile("10,000 x 10,000 PNG", as_large_as_may_be, frozenset({SUCCESS, "OCR_TIMEOUT"}))
    bmp = bytearray(saved(words(), "BMP"))
    for width, height in ((2**31 - 1, 1), (1, 2**31 - 1), (1, -(2**31)), (-5, 5), (0, 0), (100_000, 100_000)):
        bmp[18:26] = struct.pack("<ii", width, height)
        yield Hostile(f"{width} x {height} BMP", bytes(bmp), damaged)


def loops_and_numbers() -> Iterator[Hostile]:
    """Structures without end, and more of something than anybody has."""
    for length in (1, 2, 20):
        yield Hostile(f"TIFF whose {length} directories go round", tiff_loop(length))
    yield Hostile("TIFF whose directory is behind its end", tiff(lambda at: b""), frozenset({UNSUPPORTED}))
    many = tiff(lambda at: struct.pack("<H", 65_535) + struct.pack("<HHII", 270, 2, 2**31, 0) * 65_535 + bytes(4))
    yield Hostile("TIFF of 65,535 tags", many)
    yield Hostile("GIF of 10,000 frames", gif(64, 64, frames=10_000), frozenset({SUCCESS}))
    frames = [Image.new("P", (20, 20), number % 256) for number in range(300)]
    animated = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield Hostile("WebP of 300 frames", animated, frozenset({SUCCESS}))
    yield Hostile("JPEG whose EXIF goes round", exif_loop())
    yield Hostile("JPEG with EXIF of noise", saved(words(), "JPEG", exif=b"Exif\x00\x00II*\x00" + b"\xff" * 60_000))
    yield Hostile("PNG of 100,000 chunks", png(8, 8, bytes(16), more=png_chunk(b"tEXt", b"a\x00b") * 100_000))


def shapes_and_modes() -> Iterator[Hostile]:
    """Unusual, but allowed: read, or refused for what they are."""
    large, read = frozenset({TOO_LARGE}), frozenset({SUCCESS})
    for width, height in ((65_535, 1), (1, 65_535), (32_001, 1)):
        yield Hostile(f"{width} x {height}", saved(Image.new("L", (width, height), 255), "PNG"), large)
    for width, height in ((1, 1), (32_000, 1), (1, 32_000), (3, 3)):
        yield Hostile(f"{width} x {height}", saved(Image.new("L", (width, height), 255), "PNG"), read)
    grey, text = words(), f"{WORDS}\n"
    for mode in ("1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"):
        picture = in_mode(grey, mode)
        yield Hostile(f"{mode} TIFF", saved(picture, "TIFF"), read, text)
        if mode not in ("CMYK", "YCbCr", "I", "F"):
            yield Hostile(f"{mode} PNG", saved(picture, "PNG"), read, text)
    lab = Image.merge("LAB", (grey, *[Image.new("L", grey.size, 128)] * 2))
    yield Hostile("LAB TIFF", saved(lab, "TIFF"), read | {UNSUPPORTED})
    yield Hostile("CMYK JPEG", saved(grey.convert("RGB").convert("CMYK"), "JPEG"), read, text)
    for value in (float("nan"), float("inf"), -1e38):
        flat = Image.new("F", grey.size, value)
        yield Hostile(f"TIFF of {value}", saved(flat, "TIFF"))
        mixed = flat.copy()
        mixed.paste(grey.convert("F"), (40, 40))
        yield Hostile(f"TIFF with some {value}", saved(mixed, "TIFF"))
    palette = grey.convert("P")
    yield Hostile("PNG with a palette of one", saved(palette, "PNG", bits=1))
    yield Hostile("noise", saved(Image.effect_noise((400, 300), 100), "PNG"))


def under_false_names() -> Iterator[Hostile]:
    """What is no image of a kind that is read here, whatever its name says."""
    none = frozenset({UNSUPPORTED})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.png", drawn())
    svg = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns='
    others = {
        "empty.png": b"",
        "paths.png": b"/etc/passwd\n/etc/hostname\nhttp://127.0.0.1:9/a.png\n",
        "one path.tif": b"/etc/passwd",
        "program.eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file showpage\n",
        "binary eps.png": b"\xc5\xd0\xd3\xc6"
        + struct.pack("<IIIIIIH", 30, 20, 0, 0, 0, 0, 0xFFFF)
        + b"%!PS\nshowpage\n",
        "drawing.svg.png": svg + b'"http://www.w3.org/2000/svg"><text>&x;</text></svg>',
        "document.png": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        "archive.png": archive.getvalue(),
        "script.png": b"#!/bin/sh\nexit 1\n",
        "page.png": b"<html><img src='http://127.0.0.1:9/'></html>",
        "format of Pillow's.png": saved(words(), "PPM"),
        "icon.png": saved(words().resize((64, 64)), "ICO"),
        "tga.png": saved(words(), "TGA"),
        "pcx.png": saved(words(), "PCX"),
        "jpeg 2000.png": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(200),
        "zeros.png": bytes(100_000),
        "letters.png": b"A" * 1_000_000,
    }
    yield from (Hostile(name, content, none) for name, content in others.items())
    for magic in (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"II*\x00",
        b"MM\x00*",
        b"RIFF\xff\xff\xff\xffWEBP",
        b"BM",
        b"GIF89a",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1avif",
        b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1mif1",
    ):
        yield Hostile(f"{magic!r} and nothing", magic, none)
        yield Hostile(f"{magic!r} and noise", magic + random.Random(7).randbytes(5_000), none | {TOO_LARGE})


def polyglots() -> Iterator[Hostile]:
    """Images that are something else as well: read as what they are here, images."""
    read, text = frozenset({SUCCESS}), f"{WORDS}\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.txt", "a")
    tails = {
        "a ZIP": archive.getvalue(),
        "a page": b"<script>alert(1)</script>",
        "a PDF": b"%PDF-1.7\n%%EOF",
        "paths": b"\n/etc/passwd\n",
        "another image": drawn("Other 1999"),
    }
    for image_format in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"):
        for what, tail in tails.items():
            yield Hostile(f"{image_format} and {what}", drawn(image_format=image_format) + tail, read, text)
    comment = png_chunk(b"tEXt", b"Comment\x00/etc/passwd")
    with_comment = drawn()[:33] + comment + drawn()[33:]
    yield Hostile("PNG with a path in it", with_comment, read, text)


@functools.cache
def photos() -> dict[str, bytes]:
    """A small picture as telephones save them, in those of their formats that can be written here."""
    picture = Image.open(io.BytesIO(drawn("Hi")))
    found = {"AVIF": saved(picture, "AVIF")} if features.check("avif") else {}
    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()
        found["HEIC"] = saved(picture, "HEIF")
    return found


def small_jpeg() -> bytes:
    return saved(words().resize((100, 40)), "JPEG", quality=20)


def truncations() -> Iterator[Hostile]:
    """Every beginning of a small JPEG, and some of each other format."""
    jpeg = small_jpeg()
    for end in range(1, len(jpeg)):
        yield Hostile(f"JPEG to byte {end}", jpeg[:end])
    wholes = {one: drawn("Hi", one) for one in ("PNG", "TIFF", "WEBP", "GIF", "BMP")} | photos()
    for image_format, whole in wholes.items():
        for end in range(1, len(whole), max(1, len(whole) // 40)):
            yield Hostile(f"{image_format} to byte {end}", whole[:end])


def flips(seed: int, count: int) -> Iterator[Hostile]:
    """Images of every format with some bytes changed, where the structure is more often than in the pixels."""
    chance = random.Random(seed)
    wholes = {one: drawn("Hi", one) for one in ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP")} | photos()
    for number in range(count):
        image_format = chance.choice(list(wholes))
        damaged = bytearray(wholes[image_format])
        for _ in range(chance.choice((1, 1, 2, 5, 20))):
            near_head = chance.random() < 0.7
            damaged[chance.randrange(min(200, len(damaged)) if near_head else len(damaged))] = chance.randrange(256)
        yield Hostile(f"{image_format} {number} of seed {seed}", bytes(damaged))
