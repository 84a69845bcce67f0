"""The picture of a page in a PDF: its own bytes or the same pixels, never more than an answer holds."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from ocr_server.outputs import Sheet, make
from ocr_server.outputs.layout import Layout
from ocr_server.outputs.picture import Picture, picture_of
from ocr_server.outputs.projective import Projective
from protocol.errors import ErrorCode, Refusal
from tests.unit.ocr_server.outputs.readers import check, run

WIDTH, HEIGHT = 61, 43


def gradient(mode: str) -> Image.Image:
    image = Image.frombytes(
        "L", (WIDTH, HEIGHT), bytes((3 * x + 5 * y) % 256 for y in range(HEIGHT) for x in range(WIDTH))
    )
    if mode == "I;16":
        return Image.frombytes("I;16", image.size, b"".join(bytes((40, value)) for value in image.tobytes()))
    if mode in ("1", "L"):
        return image.convert(mode)
    if mode == "P":
        return image.convert("RGB").quantize(23)
    bands = [image, image.point(lambda grey: 255 - grey), image.rotate(180), image]
    if mode == "LA":
        return Image.merge("LA", bands[:2])
    return Image.merge(mode, bands[: len(mode)])


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def picture(file: bytes, most: int = 1 << 20) -> Picture:
    with Image.open(io.BytesIO(file)) as frame:
        frame.load()
        return picture_of(frame, file, most)


def pdf_file(folder: Path, of: Picture) -> Path:
    made = Sheet(Layout(of.width, of.height), Projective(), of.width, of.height, of)
    path = folder / "made.pdf"
    path.write_bytes(make(["pdf"], [made], "image")["pdf"])
    return path


FILES: dict[str, Callable[[], bytes]] = {
    "PNG, 1 bit": lambda: saved(gradient("1"), "PNG"),
    "PNG, grey": lambda: saved(gradient("L"), "PNG"),
    "PNG, palette": lambda: saved(gradient("P"), "PNG"),
    "PNG, palette of 4 bits": lambda: saved(gradient("RGB").quantize(9), "PNG", bits=4),
    "PNG, colour": lambda: saved(gradient("RGB"), "PNG"),
    "GIF": lambda: saved(gradient("P"), "GIF"),
    "BMP": lambda: saved(gradient("RGB"), "BMP"),
    "WebP": lambda: saved(gradient("RGB"), "WEBP", lossless=True),
    "TIFF, 1 bit": lambda: saved(gradient("1"), "TIFF"),
    "TIFF, 1 bit, from a fax": lambda: saved(gradient("1"), "TIFF", compression="group4"),
    "TIFF, grey": lambda: saved(gradient("L"), "TIFF", compression="tiff_lzw"),
    "TIFF, colour": lambda: saved(gradient("RGB"), "TIFF"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_picture_keeps_every_pixel(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    file = FILES[name]()
    path = pdf_file(tmp_path, picture(file))
    check(pytestconfig, path)
    run(pytestconfig, "pdfimages", "-png", path, tmp_path / "taken")
    with Image.open(tmp_path / "taken-000.png") as taken, Image.open(io.BytesIO(file)) as came:
        assert taken.convert("RGB").tobytes() == came.convert("RGB").tobytes()


def test_sixteen_bits_stay_sixteen(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    for kind in ("PNG", "TIFF"):
        of = picture(saved(gradient("I;16"), kind))
        check(pytestconfig, pdf_file(tmp_path, of))
        with pikepdf.open(tmp_path / "made.pdf") as document:
            pixels = document.pages[0].Resources.XObject.P.read_bytes()
        assert of.bits == 16
        assert pixels[::2] == gradient("L").tobytes()


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"quality": 20}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_is_not_touched(mode: str, how: dict[str, Any], tmp_path: Path, pytestconfig: pytest.Config) -> None:
    file = saved(gradient(mode), "JPEG", **how)
    path = pdf_file(tmp_path, picture(file))
    check(pytestconfig, path)
    run(pytestconfig, "pdfimages", "-all", path, tmp_path / "taken")
    assert (tmp_path / "taken-000.jpg").read_bytes() == file
    run(pytestconfig, "pdftoppm", "-r", "96", path, tmp_path / "shown")
    with Image.open(tmp_path / "shown-1.ppm") as shown, Image.open(io.BytesIO(file)) as came:
        wanted = came.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        assert shown.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) == pytest.approx(wanted, abs=12)


def test_a_jpeg_that_pdf_does_not_know_is_encoded_anew() -> None:
    file = saved(gradient("L"), "JPEG")
    place = file.index(b"\xff\xc0")
    with Image.open(io.BytesIO(file)) as frame:
        frame.load()
        assert picture_of(frame, file).codec == "jpeg"
        assert picture_of(frame, file[: place + 1] + b"\xc9" + file[place + 2 :]).codec == "png"  # arithmetic coding
        assert picture_of(frame, file[:20]).codec == "png"


def test_a_jpeg_that_was_decoded_as_grey_keeps_its_colours() -> None:
    file = saved(gradient("RGB"), "JPEG")
    with Image.open(io.BytesIO(file)) as frame:
        frame.draft("L", frame.size)
        frame.load()
        assert frame.mode == "L"
        assert picture_of(frame, file).channels == 3


def test_a_png_is_not_touched() -> None:
    file = saved(gradient("RGB"), "PNG")
    assert picture(file).stream in file


def test_a_png_that_pdf_does_not_know_is_encoded_anew() -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 8, 1, 8, 0, 0, 0, 1)  # interlaced; one row, in the passes that have pixels of it
    rows = zlib.compress(b"\0\1\0\2\0\3\4\0\5\6\7\x08")
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert picture(file).stream not in file


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_stays_so(mode: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    path = pdf_file(tmp_path, picture(saved(gradient(mode), "PNG")))
    check(pytestconfig, path)
    run(pytestconfig, "pdfimages", "-png", path, tmp_path / "taken")
    with Image.open(tmp_path / "taken-000.png") as colours, Image.open(tmp_path / "taken-001.png") as opaque:
        rgba = gradient(mode).convert("RGBA")
        assert colours.convert("RGB").tobytes() == rgba.convert("RGB").tobytes()
        assert opaque.convert("L").tobytes() == rgba.getchannel("A").tobytes()


@pytest.mark.parametrize("mode", ["I", "F", "HSV", "LAB", "YCbCr", "CMYK"])
def test_other_pixels_are_shown_too(mode: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    image = gradient("CMYK") if mode == "CMYK" else gradient("L" if mode in ("I", "F") else "RGB").convert(mode)
    check(pytestconfig, pdf_file(tmp_path, picture_of(image, b"")))


def test_what_would_be_too_large_becomes_jpeg_and_what_still_is_is_refused() -> None:
    noise = Image.effect_noise((300, 300), 90)
    file = saved(noise, "BMP")
    assert picture(file).codec == "png"
    assert picture(file, 80_000).codec == "jpeg"
    with pytest.raises(Refusal) as refused:
        picture(file, 1_000)
    assert refused.value.code is ErrorCode.RESULT_TOO_LARGE
    with pytest.raises(Refusal):
        picture(saved(noise.convert("1"), "TIFF"), 1_000)
    with pytest.raises(Refusal):
        picture(saved(noise, "JPEG"), 1_000)


@pytest.mark.parametrize("dpi", [(0, 0), (1, 300), (1e9, 1e9), ("x", "y"), 300, (float("nan"), 1)])
def test_a_resolution_that_cannot_be_is_none(dpi: object) -> None:
    image = Image.new("L", (9, 9))
    image.info["dpi"] = dpi
    assert picture_of(image, b"").dpi is None
