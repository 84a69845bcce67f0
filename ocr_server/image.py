"""Untrusted bytes to pages of pixels that Tesseract reads well. The only direct user of Pillow.

Formats are an allow-list, sizes are checked before anything is decoded, and nothing of the client's but pixels and
resolution goes on to the engine: given a text file, Tesseract would read it as a list of paths.
"""

import dataclasses
import io
import itertools
from collections.abc import Iterator
from typing import Final, cast

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from protocol.errors import ErrorCode, Refusal

FORMATS: Final = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")

MAX_PAGES: Final = 1000
"""Most pages of one TIFF; their pixels together are bounded by max_pixels besides."""

MAX_SIDE: Final = 32_000
"""Longest side in pixels: Tesseract's coordinates have 16 bits, less the border of a crop."""

_ORIENTATION, _NOT_UPRIGHT = 0x0112, range(2, 9)  # EXIF 2.3, tag Orientation
_CREDIBLE_DPI: Final = range(70, 2401)  # what Tesseract itself believes

# Pillow's guard against decompression bombs warns at a number of its own; `_check_size` refuses at the setting's.
Image.MAX_IMAGE_PIXELS = None

SMALL_HEIGHT: Final = 200
"""Pixels. A lower image is a crop of some lines or a word; measured on 1,500 rendered words (docs/decisions.md)."""

INK_HEIGHT: Final = 24
"""Pixels. Letters lower than this are scaled up to it; more makes capitals of small letters."""

MAX_FACTOR: Final = 4
BORDER: Final = 20
INK_CONTRAST: Final = 40


@dataclasses.dataclass(frozen=True)
class Page:
    """One page as the engine takes it: mode L or RGB, and its resolution, None when the file does not tell.

    is_blank: nothing on it differs from the rest. Looked at as a word, such a page gives letters that are not there.
    steps: what was done to it, in order.
    """

    image: Image.Image
    dpi: int | None
    is_blank: bool = False
    steps: tuple[str, ...] = ()


def pages(data: bytes, max_pixels: int, preprocess: str) -> Iterator[Page]:
    """The pages of an image file: all of a TIFF, the first frame of anything else.

    max_pixels: bound on width x height, of all pages together. preprocess: "auto" or "none".
    Raises Refusal UNSUPPORTED_IMAGE or IMAGE_TOO_LARGE, also while iterating.
    """
    if not data:
        raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, "The file is empty.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            left = max_pixels
            for number, frame in enumerate(ImageSequence.Iterator(opened)):
                left -= frame.width * frame.height
                _check_size(frame, left, max_pixels, number)
                yield _prepare(frame, preprocess)
                if opened.format != "TIFF":
                    return
    except Refusal:
        raise
    except UnidentifiedImageError as error:
        raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, "The file is no image of a kind that is read here.") from error
    except MemoryError as error:
        raise Refusal(ErrorCode.IMAGE_TOO_LARGE, "There is not enough memory to decode it.") from error
    except Exception as error:
        # Pillow's decoders raise whatever their format's damage leads to: OSError, SyntaxError, struct.error, …
        raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, f"Decoding failed: {str(error).rstrip('.')}.") from error


def _check_size(frame: Image.Image, left: int, max_pixels: int, number: int) -> None:
    if left < 0:
        what = f"It has {frame.width} x {frame.height} pixels" + (", with the pages before it" if number else "")
        raise Refusal(ErrorCode.IMAGE_TOO_LARGE, f"{what}; the limit is {max_pixels} pixels.")
    if max(frame.size) > MAX_SIDE:
        raise Refusal(
            ErrorCode.IMAGE_TOO_LARGE,
            f"It has {frame.width} x {frame.height} pixels; the longest side allowed is {MAX_SIDE}.",
        )
    if number >= MAX_PAGES:
        raise Refusal(ErrorCode.IMAGE_TOO_LARGE, f"It has more than {MAX_PAGES} pages.")


def _prepare(frame: Image.Image, preprocess: str) -> Page:
    frame.load()
    dpi, steps = _dpi(frame), list[str]()
    image = _flat(frame, steps)
    if preprocess == "none":
        return Page(image, dpi, steps=tuple(steps))
    if image.getexif().get(_ORIENTATION) in _NOT_UPRIGHT:
        image = ImageOps.exif_transpose(image)
        steps.append("upright by EXIF")
    image = image.convert("L")
    darkest, lightest = cast("tuple[float, float]", image.getextrema())
    is_blank = lightest - darkest <= INK_CONTRAST
    if image.height < SMALL_HEIGHT:
        image, dpi = _crop_as_page(image, steps), None  # the file's resolution is no longer true
    return Page(image, dpi, is_blank, tuple(steps))


def _crop_as_page(image: Image.Image, steps: list[str]) -> Image.Image:
    """A crop made more like a page: dark on light, letters of readable height, and room around them."""
    background = _edge_grey(image)
    if background < 128:
        image, background = ImageOps.invert(image), 255 - background
        steps.append("inverted")
    ink = image.point(lambda grey: 255 * (abs(grey - background) > INK_CONTRAST)).getbbox()
    height = ink[3] - ink[1] if ink else image.height
    factor = max(1.0, min(MAX_FACTOR, INK_HEIGHT / height, MAX_SIDE / image.width))
    if factor > 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, Image.Resampling.LANCZOS)
        steps.append(f"scaled x{round(factor, 1):g}")
    steps.append("border")
    return ImageOps.expand(image, BORDER, fill=background)


def _edge_grey(image: Image.Image) -> int:
    """The median grey of the four edges: a crop's background."""
    width, height = image.size
    edges = ((0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height))
    greys = [sum(counts) for counts in zip(*(image.crop(edge).histogram() for edge in edges), strict=True)]
    return next(grey for grey, below in enumerate(itertools.accumulate(greys)) if 2 * below >= sum(greys))


def _dpi(frame: Image.Image) -> int | None:
    try:
        dpi = round(float(frame.info["dpi"][1]))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None  # absent or damaged: Tesseract estimates it from the letters then
    return dpi if dpi in _CREDIBLE_DPI else None


def _flat(frame: Image.Image, steps: list[str]) -> Image.Image:
    """A copy in grey or RGB, transparent parts on white; a copy has no format that an engine could save it in again."""
    if frame.mode.startswith("I;16"):
        steps.append("16 bits as 8")
        return frame.point(lambda value: value / 256).convert("L")
    if frame.mode in ("I", "F"):
        low, high = cast("tuple[float, float]", frame.getextrema())  # one band: one pair
        steps.append("brightness as 8 bits")
        scale = 255 / (high - low) if high > low else 1.0
        return frame.point(lambda value: value * scale - low * scale).convert("L")
    if frame.has_transparency_data:
        rgba = frame.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        steps.append("white under transparency")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return frame.convert("L") if frame.mode in ("1", "L") else frame.convert("RGB")
