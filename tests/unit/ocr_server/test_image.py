"""Untrusted bytes to pages: what is read, what is refused, and with which code."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from ocr_server.image import MAX_PAGES, Page, PreparationFailed, pages, turned
from ocr_server.preprocess import mend
from protocol.errors import ErrorCode, Refusal

ENGLISH = ("eng",)


def _file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _page(data: bytes, preprocess: str = "none", max_pixels: int = 10**6) -> Image.Image:
    (page,) = pages(data, max_pixels, preprocess, ENGLISH)
    return page.image


def _refused(data: bytes, max_pixels: int = 10**6) -> ErrorCode:
    with pytest.raises(Refusal) as caught:
        list(pages(data, max_pixels, "auto", ENGLISH))
    assert str(caught.value).endswith(".")
    return caught.value.code


WHITE = Image.new("L", (200, 120), 255)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_every_format_of_the_list_is_read(kind: str) -> None:
    assert _page(_file(WHITE, kind)).size == (200, 120)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "CMYK", "YCbCr", "F"])
def test_every_mode_becomes_grey_or_colour(mode: str) -> None:
    kind = "TIFF" if mode in ("CMYK", "YCbCr", "F", "I") else "PNG"
    assert _page(_file(Image.new(mode, (200, 120)), kind)).mode in ("L", "RGB")


def test_transparent_parts_are_white() -> None:
    assert _page(_file(Image.new("RGBA", (200, 120), (0, 0, 0, 0)))).getpixel((0, 0)) == (255, 255, 255)
    assert _page(_file(Image.new("LA", (200, 120), (0, 0)))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_light_letters_on_nothing_are_put_on_black(share: float) -> None:
    image = Image.new("RGBA", (200, 120), (255, 255, 255, 0))
    image.paste((250, 250, 240, 255), (0, 0, round(200 * share), 120))
    (page,) = pages(_file(image), 10**6, "none", ENGLISH)
    colour, grey = ("black", 0) if share < 0.5 else ("white", 255)
    assert page.steps == (f"{colour} under transparency",)
    assert page.image.getpixel((199, 0)) == (grey,) * 3


def test_sixteen_bits_keep_their_brightness() -> None:
    assert _page(_file(Image.new("I;16", (200, 120), 65535))).getpixel((0, 0)) == 255
    assert _page(_file(Image.new("I;16", (200, 120), 32768))).getpixel((0, 0)) == 128


def test_a_photo_is_turned_upright_unless_told_not_to() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # "the top is at the right": EXIF 2.3, tag Orientation
    data = _file(WHITE, "JPEG", exif=exif)
    assert _page(data, "auto").size == (120, 200)  # high enough to be no crop
    assert _page(data, "none").size == (200, 120)


def _crop(ink_height: int, paper: int, ink: int) -> bytes:
    image = Image.new("L", (60, 60), paper)
    image.paste(ink, (10, 10, 50, 10 + ink_height))
    return _file(image)


def test_a_crop_with_small_letters_is_enlarged_with_a_border_in_its_own_background() -> None:
    page = _page(_crop(8, paper=200, ink=20), "auto")
    assert page.size == (2.5 * 60 + 40, 2.5 * 60 + 40)
    assert page.getpixel((0, 0)) == 200


def test_a_crop_with_large_letters_gets_a_border_only() -> None:
    assert _page(_crop(30, paper=255, ink=0), "auto").size == (100, 100)


def test_a_dark_crop_is_inverted() -> None:
    page = _page(_crop(30, paper=30, ink=240), "auto")
    assert (page.getpixel((0, 0)), page.getpixel((40, 40))) == (225, 15)


@pytest.mark.parametrize("grey", [0, 200, 255])
def test_a_page_without_anything_on_it_is_told_as_blank(grey: int) -> None:
    (blank,) = pages(_file(Image.new("L", (300, 300), grey)), 10**6, "auto", ENGLISH)
    assert blank.is_blank
    (written,) = pages(_crop(8, paper=grey, ink=255 - grey if grey != 200 else 20), 10**6, "auto", ENGLISH)
    assert not written.is_blank


def test_a_page_keeps_its_size() -> None:
    assert _page(_file(Image.new("L", (200, 200), 255)), "auto").size == (200, 200)


@pytest.mark.parametrize(
    ("saved", "told"),
    [({"dpi": (300, 300)}, 300), ({"dpi": (1, 1)}, None), ({}, None)],
    ids=["credible", "not", "none"],
)
def test_the_resolution_is_told_when_it_is_credible(saved: dict[str, Any], told: int | None) -> None:
    assert [page.dpi for page in pages(_file(WHITE, **saved), 10**6, "none", ENGLISH)] == [told]


@pytest.mark.parametrize("grain", [5, 8])
def test_grain_alone_is_nothing_and_not_enlarged(grain: int) -> None:
    grey = np.random.default_rng(3).normal(220, grain, (1200, 900))
    (page,) = pages(_file(Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))), 10**7, "auto", ENGLISH)
    assert page.is_blank
    assert page.image.size == (900, 1200)


def test_faint_print_is_not_nothing() -> None:
    image = Image.new("L", (900, 1200), 240)
    for top in range(100, 1100, 50):
        ImageDraw.Draw(image).text((80, top), "print that has nearly faded away", 205, ImageFont.load_default(36))
    (page,) = pages(_file(image.rotate(5, fillcolor=240)), 10**7, "auto", ENGLISH)
    assert not page.is_blank
    assert page.steps[0].startswith("deskew")


@pytest.mark.parametrize(
    ("code", "raised", "said"),
    [(cv2.Error.StsNoMem, Refusal, "not enough memory"), (cv2.Error.StsAssert, PreparationFailed, "^$")],
)
def test_what_goes_wrong_in_preparing_a_page_is_not_said_of_the_file(
    code: int, raised: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> None:
        error = cv2.error("what OpenCV says")
        error.code, error.err = code, "what OpenCV says"
        raise error

    monkeypatch.setattr(mend, "look_at", failing)
    with pytest.raises(raised, match=said):
        list(pages(_file(Image.linear_gradient("L").resize((400, 400))), 10**6, "auto", ENGLISH))


def test_all_pages_of_a_tiff_are_read_and_the_first_frame_of_a_gif() -> None:
    several: dict[str, Any] = {"save_all": True, "append_images": [Image.new("L", (200, 120), 0)] * 2}
    assert len(list(pages(_file(WHITE, "TIFF", **several), 10**6, "auto", ENGLISH))) == 3
    assert len(list(pages(_file(WHITE, "GIF", **several), 10**6, "auto", ENGLISH))) == 1


def test_pixels_are_bounded_for_all_pages_together() -> None:
    assert _refused(_file(WHITE), max_pixels=200 * 120 - 1) is ErrorCode.IMAGE_TOO_LARGE
    two = _file(WHITE, "TIFF", save_all=True, append_images=[WHITE])
    assert _refused(two, max_pixels=200 * 120 * 2 - 1) is ErrorCode.IMAGE_TOO_LARGE
    assert len(list(pages(two, 200 * 120 * 2, "auto", ENGLISH))) == 2


def test_more_pages_than_allowed_are_refused() -> None:
    dot = Image.new("1", (1, 1))
    data = _file(dot, "TIFF", save_all=True, append_images=[dot] * MAX_PAGES)
    assert _refused(data) is ErrorCode.IMAGE_TOO_LARGE


def test_a_side_that_is_too_long_for_tesseract_is_refused() -> None:
    assert _refused(_file(Image.new("1", (32768, 1)))) is ErrorCode.IMAGE_TOO_LARGE


@pytest.mark.parametrize("size", [(1, 1), (32000, 1), (1, 32000), (3, 90), (32000, 99)])
def test_odd_shapes_stay_within_bounds(size: tuple[int, int]) -> None:
    page = _page(_file(Image.new("1", size)), "auto", max_pixels=10**7)
    assert max(page.size) <= 32767
    assert page.width * page.height <= 10**7


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"/etc/passwd\n/etc/hostname\n",
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        _file(WHITE)[:-30],
        _file(Image.effect_noise((200, 120), 50), "JPEG")[:-500],
    ],
    ids=["empty", "paths", "PDF", "EPS", "SVG", "truncated PNG", "truncated JPEG"],
)
def test_what_is_no_whole_image_of_the_list_is_refused(data: bytes) -> None:
    assert _refused(data) is ErrorCode.UNSUPPORTED_IMAGE


@given(st.binary(), st.integers(0, 400))
def test_no_bytes_raise_anything_but_a_refusal(noise: bytes, at: int) -> None:
    good = _file(WHITE)
    for data in (noise, good[:at] + noise + good[at:], good[:at]):
        try:
            list(pages(data, 10**6, "auto", ENGLISH))
        except Refusal as refusal:
            assert refusal.code in (ErrorCode.UNSUPPORTED_IMAGE, ErrorCode.IMAGE_TOO_LARGE)


# Where the page's pixels are in the stored image


MARK = (30, 40, 50, 46)


def _marked(width: int, height: int, kind: str = "PNG", **options: Any) -> bytes:
    image = Image.new("L", (width, height), 255)
    image.paste(0, MARK)
    return _file(image, kind, **options)


def _mark_found(data: bytes) -> tuple[float, ...]:
    """The dark box of the first page as it is prepared, in the coordinates of the stored one."""
    page = next(pages(data, 10**8, "auto", ENGLISH))
    dark = page.image.point([255 * (grey < 128) for grey in range(256)]).getbbox()
    assert dark is not None
    return page.to_stored.of_box(dark)


@pytest.mark.parametrize("size", [(400, 190), (90, 60), (401, 301), (1203, 901)])
def test_a_page_that_was_scaled_or_given_a_border_knows_where_it_was(size: tuple[int, int]) -> None:
    assert _mark_found(_marked(*size)) == pytest.approx(MARK, abs=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_page_turned_upright_knows_where_it_was(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert _mark_found(_marked(500, 300, "JPEG", exif=exif)) == pytest.approx(MARK, abs=1)


def test_each_page_of_a_tiff_has_its_own_stored_one() -> None:
    others = [Image.new("L", (70, 30)), Image.new("1", (20, 10))]
    stored = list[tuple[tuple[int, int], str]]()
    for page in pages(_file(WHITE, "TIFF", save_all=True, append_images=others), 10**6, "none", ENGLISH):
        assert page.stored is not None
        stored.append((page.stored.size, page.stored.mode))
    assert stored == [((200, 120), "L"), ((70, 30), "L"), ((20, 10), "1")]


@pytest.mark.parametrize(
    ("turns", "steps"),
    [
        ((90,), ("rotate 90",)),
        ((180,), ("rotate 180",)),
        ((90, 180), ("rotate 270",)),
        ((270, 180), ("rotate 90",)),
        ((180, 180), ()),
    ],
)
def test_a_page_that_is_turned_knows_where_it_was_and_tells_the_sum(
    turns: tuple[int, ...], steps: tuple[str, ...]
) -> None:
    (page,) = pages(_marked(401, 301), 10**8, "none", ENGLISH)
    for degrees in turns:
        page = turned(page, degrees)
    assert page.steps == steps
    dark = page.image.point([255 * (grey < 128) for grey in range(256)]).getbbox()
    assert dark is not None
    assert page.to_stored.of_box(dark) == MARK


def test_turning_is_clockwise_and_keeps_the_other_steps_in_their_order() -> None:
    image = Image.new("L", (30, 20), 255)
    image.putpixel((0, 0), 0)
    page = turned(Page(image, 200, steps=("inverted", "rotate 90", "deskew 1.3")), 90)
    assert page.steps == ("inverted", "rotate 180", "deskew 1.3")
    assert (page.image.size, page.image.getpixel((19, 0)), page.dpi) == ((20, 30), 0, 200)
    assert page.stored is image
