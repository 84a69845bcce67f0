"""Untrusted bytes to pages of pixels that Tesseract reads well.

Formats are an allow-list (`decoders.py`), sizes are checked before anything is decoded, and nothing of the client's but
pixels and resolution goes on to the engine: given a text file, Tesseract would read it as a list of paths.
"""

import dataclasses
import functools
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Final, cast

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from protocol.errors import ErrorCode, Refusal

from .decoders import formats_of
from .letters import BORDER, FAINT, INK_CONTRAST, MAX_SIDE, at_readable_size, crop_as_page, crop_in_full_contrast
from .outputs.projective import Projective

MAX_PAGES: Final = 1000
"""Most pages of one TIFF; their pixels together are bounded by max_pixels besides."""

_ORIENTATION, _NOT_UPRIGHT = 0x0112, range(2, 9)  # EXIF 2.3, tag Orientation
_CREDIBLE_DPI: Final = range(70, 2401)  # what Tesseract itself believes

_ROTATED: Final = "rotate"
_TURNS: Final = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns counterclockwise
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}

# Pillow's guard against decompression bombs warns at a number of its own; `_check_size` refuses at the setting's.
Image.MAX_IMAGE_PIXELS = None

SMALL_HEIGHT: Final = 200
"""Pixels. A lower image is a crop of some lines or a word; measured on 1,500 rendered words (docs/decisions.md)."""


LIGHT: Final = 192
"""Grey of letters that cannot be seen well on white."""

_OPAQUE: Final = [255 * (alpha >= 128) for alpha in range(256)]


class PreparationFailed(Exception):
    """A page was decoded and could not be prepared: a mistake of ours, nothing that is wrong with the file."""


@dataclasses.dataclass(frozen=True)
class Page:
    """One page as the engine takes it: mode L or RGB, and its resolution, None when the file does not tell.

    is_blank: nothing on it differs from the rest. Looked at as a word, such a page gives letters that are not there.
    is_line: it is a crop of a single line, so there is no layout to find out.
    steps: what was done to it, in order. stored: the page as it is in the file, until the next one is asked for; None:
    as it is here. to_stored: where this image's pixels are in that one. clearer: makes the page in another way, to be
    looked at too when the engine is unsure of this one; None where there is no other.
    """

    image: Image.Image
    dpi: int | None
    is_blank: bool = False
    is_line: bool = False
    steps: tuple[str, ...] = ()
    stored: Image.Image | None = None
    to_stored: Projective = Projective()
    clearer: "Callable[[], Page] | None" = None


def pages(data: bytes, max_pixels: int, preprocess: str, languages: Sequence[str]) -> Iterator[Page]:
    """The pages of an image file: all of a TIFF, the first frame of anything else.

    max_pixels: bound on width x height, of all pages together. preprocess: "auto" or "none". languages: by Tesseract's
    names. Raises Refusal UNSUPPORTED_IMAGE or IMAGE_TOO_LARGE, and PreparationFailed, also while iterating.
    """
    if not data:
        raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, "The file is empty.")
    try:
        with Image.open(io.BytesIO(data), formats=formats_of(data)) as opened:
            left = max_pixels
            # The first frame is the one that is opened: of a burst of HEIC photos, the one that was chosen.
            for number, frame in enumerate(ImageSequence.Iterator(opened) if opened.format == "TIFF" else (opened,)):
                left -= frame.width * frame.height
                _check_size(frame, left, max_pixels, number)
                yield _as_it_is(frame) if preprocess == "none" else _prepared(frame, languages)
    except (Refusal, PreparationFailed):
        raise
    except UnidentifiedImageError as error:
        raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, "The file is no image of a kind that is read here.") from error
    except MemoryError as error:
        raise Refusal(ErrorCode.IMAGE_TOO_LARGE, "There is not enough memory to decode it.") from error
    except Exception as error:
        # Pillow's decoders raise whatever their format's damage leads to: OSError, SyntaxError, struct.error, …
        raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, f"Decoding failed: {str(error).rstrip('.')}.") from error


def turned(page: Page, degrees: int) -> Page:
    """The page turned clockwise by 90, 180 or 270 degrees; the step "rotate N" tells the sum of all such turns."""
    size = page.image.size
    to_stored = Projective.turned(degrees, *size).inverse().then(page.to_stored)
    before = [int(step.split()[1]) for step in page.steps if step.split()[0] == _ROTATED]
    steps, sum_of_turns = list(page.steps), (sum(before) + degrees) % 360
    said = [f"{_ROTATED} {sum_of_turns}"] if sum_of_turns else []
    place = next((place for place, step in enumerate(steps) if step.split()[0] == _ROTATED), len(steps))
    steps[place : place + 1] = said
    return dataclasses.replace(
        page,
        image=page.image.transpose(_TURNS[degrees]),
        steps=tuple(steps),
        stored=page.image if page.stored is None else page.stored,
        to_stored=to_stored,
        clearer=None,
    )


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


def _as_it_is(frame: Image.Image) -> Page:
    steps = list[str]()
    return Page(_flat(frame, steps), _dpi(frame), steps=tuple(steps), stored=frame)


def _prepared(frame: Image.Image, languages: Sequence[str]) -> Page:
    dpi, steps = _dpi(frame), list[str]()
    if frame.format == "JPEG":
        frame.draft("L", frame.size)  # its decoder leaves the colours out, in half the time
    image = _flat(frame, steps, may_be_grey=True)
    to_stored = Projective()
    orientation = image.getexif().get(_ORIENTATION, 1)
    if orientation in _NOT_UPRIGHT:
        to_stored = Projective.upright(orientation, *image.size).inverse()
        image = ImageOps.exif_transpose(image)
        steps.append("upright by EXIF")
    image = image.convert("L")
    darkest, lightest = cast("tuple[float, float]", image.getextrema())
    is_blank = lightest - darkest <= (INK_CONTRAST if image.height < SMALL_HEIGHT else FAINT)
    if image.height < SMALL_HEIGHT:
        crop, is_line = crop_as_page(image, steps)
        from_crop = _to_the_size_of(image, crop, BORDER).then(to_stored)
        small = Page(crop, None, is_blank, is_line, tuple(steps), frame, from_crop)  # its resolution is no longer true
        return dataclasses.replace(small, clearer=functools.partial(_in_full_contrast, image, small, to_stored))
    if not is_blank:
        image, way, is_blank = _mended(image, steps)
        to_stored = way.inverse().then(to_stored)
    page, scale = (image, 1.0) if is_blank else at_readable_size(image, languages, SMALL_HEIGHT, steps)
    if scale != 1:
        dpi = _credible(dpi and dpi * scale)
        to_stored = _to_the_size_of(image, page).then(to_stored)
        steps.append(f"scaled x{round(scale, 2):g}")
    return Page(page, dpi, is_blank, False, tuple(steps), frame, to_stored)


def _in_full_contrast(image: Image.Image, page: Page, to_stored: Projective) -> Page:
    crop = crop_in_full_contrast(image)
    steps = tuple(step for step in page.steps if not step.startswith("scaled"))
    return dataclasses.replace(
        page, image=crop, steps=steps, to_stored=_to_the_size_of(image, crop, BORDER).then(to_stored), clearer=None
    )


def load_preprocessing() -> None:
    """Load what prepares pages, 0.25 s and 36 MB, so that no page's time limit pays. Raises ImportError."""
    from .preprocess import mend  # noqa: F401


def _mended(image: Image.Image, steps: list[str]) -> tuple[Image.Image, Projective, bool]:
    """The page in even light, clean, upright and level, the way there, and whether it is blank."""
    from .preprocess.mend import mended  # here, so that a supervisor, which reads nothing, does not load it

    try:
        found = mended(image, steps)
    except MemoryError:
        raise
    except Exception as error:
        raise PreparationFailed from error
    return Image.fromarray(found.grey), found.way, found.is_blank


def _to_the_size_of(image: Image.Image, scaled: Image.Image, border: int = 0) -> Projective:
    """From an image that was scaled and then given a border back to the one that it was."""
    factors = (image.width / (scaled.width - 2 * border), image.height / (scaled.height - 2 * border))
    return Projective.moved(-border, -border).then(Projective.scaled(*factors))


def _dpi(frame: Image.Image) -> int | None:
    try:
        return _credible(float(frame.info["dpi"][1]))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None  # absent or damaged: Tesseract estimates it from the letters then


def _credible(dpi: float | None) -> int | None:
    return None if dpi is None or round(dpi) not in _CREDIBLE_DPI else round(dpi)


def _flat(frame: Image.Image, steps: list[str], *, may_be_grey: bool = False) -> Image.Image:
    """A copy in grey or RGB, transparent parts on white; a copy has no format that an engine could save it in again.

    may_be_grey: whether what has colours may come without them, which saves a copy.
    """
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
        colour = "black" if _is_light_on_nothing(rgba) else "white"
        steps.append(f"{colour} under transparency")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, colour), rgba).convert("RGB")
    is_grey = frame.mode in ("1", "L") or (may_be_grey and frame.mode == "RGB")
    return frame.convert("L" if is_grey else "RGB")


def _is_light_on_nothing(rgba: Image.Image) -> bool:
    """True where most is transparent and what is not is light: on white, white letters would be gone."""
    seen = rgba.getchannel("A").point(_OPAQUE)
    greys = rgba.convert("L").histogram(seen)
    return 0 < sum(greys) < rgba.width * rgba.height / 2 and 2 * sum(greys[LIGHT:]) > sum(greys)
