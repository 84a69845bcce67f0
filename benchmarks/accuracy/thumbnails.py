"""Small pictures of the files, for the page of results."""

import io
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageOps

from .cases import Case

SIDE: Final = 420
"""Pixels of the longer side of a page."""

QUALITY: Final = 42
_COLUMNS, _MOST, _GAP = 4, 24, 6
_SMALL: Final = 200  # pixels: lower images are crops, of which many go into one picture


def thumbnail(cases: Sequence[Case]) -> bytes:
    """A WebP of the first case; of crops, one of many of them."""
    images = [_seen(case) for case in cases[:_MOST]]
    picture = _contact_sheet(images) if len(images) > 1 and images[0].height < _SMALL else _page(images[0])
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue()


def _seen(case: Case) -> Image.Image:
    """As a program shows it that knows nothing of EXIF, on a chequered ground where it is transparent."""
    with Image.open(io.BytesIO(case.content)) as opened:
        if opened.mode.startswith("I"):
            return ImageOps.autocontrast(opened.convert("I").point(lambda grey: grey / 256).convert("L"))
        if not opened.has_transparency_data:
            return opened.convert("RGB")
        over = opened.convert("RGBA")
    return Image.alpha_composite(_chequered(over.size), over).convert("RGB")


def _chequered(size: tuple[int, int]) -> Image.Image:
    square = max(8, max(size) // 40)
    two = Image.new("L", (2, 2), 255)
    two.putpixel((0, 0), 205)
    two.putpixel((1, 1), 205)
    small = Image.new("L", (size[0] // square + 2, size[1] // square + 2))
    for x in range(0, small.width, 2):
        for y in range(0, small.height, 2):
            small.paste(two, (x, y))
    large = small.resize((small.width * square, small.height * square), Image.Resampling.NEAREST)
    return large.crop((0, 0, *size)).convert("RGBA")


def _page(image: Image.Image) -> Image.Image:
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return ImageOps.expand(image, 1, "#d0d7de")  # paper's white ends somewhere


def _contact_sheet(images: Sequence[Image.Image]) -> Image.Image:
    """The crops in rows, each as large as it is."""
    rows = _in_rows(images)
    width = max(sum(one.width + _GAP for one in row) for row in rows) + _GAP
    heights = [max(one.height for one in row) + _GAP for row in rows]
    sheet = Image.new("RGB", (width, sum(heights) + _GAP), "#eaeef2")
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        left = _GAP
        for one in row:
            sheet.paste(one, (left, top))
            left += one.width + _GAP
        top += height
    return sheet


def _in_rows(images: Sequence[Image.Image]) -> list[Sequence[Image.Image]]:
    return [images[start : start + _COLUMNS] for start in range(0, len(images), _COLUMNS)]
