"""HEIC and AVIF: read where their decoders are, named where they are not, and bounded before they are decoded."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, ImageDraw, features

from ocr_server import decoders
from ocr_server.decoders import ALWAYS, formats_of
from ocr_server.image import pages
from protocol.errors import ErrorCode, Refusal
from tests.unit.ocr_server.photos import saved

KINDS = ("HEIF", "AVIF")
MARK = (60, 80, 120, 100)


def box(major: bytes, *others: bytes) -> bytes:
    """The first box of a file with these brands."""
    return (16 + 4 * len(others)).to_bytes(4) + b"ftyp" + major + bytes(4) + b"".join(others)


def photo(kind: str, config: pytest.Config, **options: Any) -> bytes:
    image = Image.new("RGB", (640, 320), "white")
    ImageDraw.Draw(image).rectangle((MARK[0], MARK[1], MARK[2] - 1, MARK[3] - 1), "black")
    return saved(image, kind, config, **options)


def only_page(data: bytes, max_pixels: int = 10**6) -> Any:
    (page,) = pages(data, max_pixels, "auto", ("eng",))
    return page


def dark_box(image: Image.Image) -> tuple[int, int, int, int]:
    found = image.convert("L").point([255 * (grey < 128) for grey in range(256)]).getbbox()
    assert found
    return found


@pytest.fixture
def nothing_loaded() -> Iterator[None]:
    decoders._is_there.cache_clear()
    yield
    decoders._is_there.cache_clear()


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_is_read(kind: str, pytestconfig: pytest.Config) -> None:
    page = only_page(photo(kind, pytestconfig))
    assert page.image.mode in ("L", "RGB")
    assert page.to_stored.of_box(dark_box(page.image)) == pytest.approx(MARK, abs=3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_that_was_taken_sideways_is_turned_once(kind: str, pytestconfig: pytest.Config) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to see it upright
    upright = only_page(photo(kind, pytestconfig, exif=exif.tobytes()))
    seen = dark_box(upright.image)
    assert upright.image.height > upright.image.width
    # The mark is at the left of the upper edge as stored, so at the top of the right edge as seen.
    assert seen[0] > upright.image.width / 2
    assert seen[1] < upright.image.height / 2
    assert upright.stored.width * upright.stored.height == 640 * 320


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_bounded_before_they_are_decoded(kind: str, pytestconfig: pytest.Config) -> None:
    data = photo(kind, pytestconfig)
    with pytest.raises(Refusal) as caught:
        only_page(data, max_pixels=640 * 320 - 1)
    assert caught.value.code is ErrorCode.IMAGE_TOO_LARGE
    damaged = data[:-50] + bytes(50)
    with pytest.raises(Refusal) as caught:
        only_page(damaged, max_pixels=640 * 320 - 1)
    assert caught.value.code is ErrorCode.IMAGE_TOO_LARGE


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_photo_is_refused(kind: str, pytestconfig: pytest.Config) -> None:
    data = photo(kind, pytestconfig)
    with pytest.raises(Refusal) as caught:
        only_page(data[: len(data) // 2])
    assert caught.value.code is ErrorCode.UNSUPPORTED_IMAGE


def test_of_a_burst_the_photo_that_was_chosen_is_read(pytestconfig: pytest.Config) -> None:
    others = [Image.new("L", (400, 300), 255), Image.new("L", (200, 250), 255)]
    first = Image.new("L", (300, 220), 255)
    data = saved(first, "HEIF", pytestconfig, save_all=True, append_images=others, primary_index=1)
    assert only_page(data).stored.size == (400, 300)


@pytest.mark.usefixtures("nothing_loaded")
@pytest.mark.parametrize("brands", [(b"heic", b"mif1"), (b"mif1", b"heic"), (b"mif1",), (b"hevc", b"msf1")])
def test_without_its_decoder_a_heic_photo_is_called_by_its_name(
    brands: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(Refusal, match=r"HEIC photo.*pip install 'online-ocr\[photos\]'.*PNG, JPEG") as caught:
        only_page(box(*brands) + bytes(500))
    assert caught.value.code is ErrorCode.UNSUPPORTED_IMAGE


@pytest.mark.usefixtures("nothing_loaded")
def test_without_its_decoder_an_avif_photo_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(Refusal, match="AVIF photo"):
        only_page(box(b"avif", b"mif1") + bytes(500))


@pytest.mark.parametrize(
    ("head", "formats"),
    [
        (box(b"avif", b"mif1"), ("AVIF",)),
        (box(b"mif1", b"miaf", b"avif"), ("AVIF",)),
        (box(b"isom", b"mp42"), ALWAYS),
        (b"\xff\xff\xff\xffftypisom" + bytes(4) + b"mp42" * 1000 + b"avif", ALWAYS),
        (b"\x00\x00\x00\x08ftyp", ALWAYS),
        (b"", ALWAYS),
    ],
)
def test_a_kind_is_told_by_its_first_box(head: bytes, formats: tuple[str, ...]) -> None:
    assert formats_of(head) == formats


def test_a_document_is_called_by_its_name() -> None:
    with pytest.raises(Refusal, match=r"PDF document, of which each page must be sent as an image\.") as caught:
        only_page(b"%PDF-1.7\n")
    assert caught.value.code is ErrorCode.UNSUPPORTED_IMAGE
