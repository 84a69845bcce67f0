"""How high the letters of an image are, and how to give the engine a size that it reads well. Grey images only.

Tesseract scales each line to 36 pixels by itself: larger letters cost time in everything before that, and bring grain.
The numbers are measured, on rendered crops and on pages as scanned; docs/decisions.md tells how.
"""

import functools
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

from PIL import Image, ImageChops, ImageFilter, ImageOps

INK_CONTRAST: Final = 40
"""Levels of grey. What differs from a crop's background by more is its ink; a page without any is blank."""

FAINT: Final = 20
"""The same of a page once its grain is averaged: grain of 8 leaves less, even where a look is as large as its page."""

CROP_INK_HEIGHT: Final = 20
"""Pixels. A crop's letters lower than this are scaled up to it; more makes capitals of small letters."""

MOST_UP: Final = 4
BORDER: Final = 20

MAX_SIDE: Final = 32_000
"""Longest side in pixels: Tesseract's coordinates have 16 bits, less the border of a crop."""

PAGE_LETTER_HEIGHT: Final = 12
"""Pixels. A page is not scaled down so far that small letters, such as x, are lower than this: at 8 errors come."""

SCALES_DOWN: Final = (1 / 3, 1 / 2, 2 / 3)

LEAST_LETTER_HEIGHT: Final = 9
"""Pixels. A page with lower ones is scaled up: of letters of 6, 2 % are read wrongly, twice as large 0.1; of 8, 0.2
and 0."""

SMALL_LETTERS: Final = 12
SMALL_CHARACTERS: Final = 16
"""Pixels, by twos: what may be lower than that, in Latin letters; what is too low in others, Chinese above all."""

MOST_PIXELS: Final = 24_000_000
"""Of a page that is scaled up."""

SHARP: Final = 0.55
"""The share of the contrast that lies between two neighbours, where a page at half its size is steepest. A blurred one
has 0.3 and is not scaled down, which would make three errors of one; all others measured have 0.64 and more."""

BLURRED: Final = 0.36
"""The same of a page that sharpening helps: of one with 0.31, 2.1 % is read wrongly, sharpened 0.5; with 0.4 nothing is
gained any more, and lines may be lost."""

CERTAINLY_SHARP: Final = 0.75
STEEPER: Final = 1.5
"""By so much of the grain edges seem steeper than they are, and up to where they may not be steep."""

LEAST_SHEET: Final = 0.2
"""The part of a photo that a sheet covers; light letters on dark cover less."""

LATIN: Final = frozenset(
    (
        *("afr", "cat", "ces", "dan", "deu", "eng", "epo", "est", "eus", "fin", "fra", "gle", "glg", "hrv", "hun"),
        *("ind", "isl", "ita", "lat", "lav", "lit", "msa", "nld", "nor", "pol", "por", "ron", "slk", "slv", "spa"),
        *("swe", "tur"),
    )
)
"""Languages, by Tesseract's names, of whose letters PAGE_LETTER_HEIGHT is true. Chinese needs half as much again."""

_STRIP: Final = 16  # pixels of width: about a letter
_SPECK: Final = 3  # pixels of height that are no letter
_SMALL_LETTERS: Final = 1 / 3
"""The lowest third is left to them: a page with some small print is not scaled to its large print."""

_AGAINST_NEIGHBOURS: Final = ImageFilter.Kernel((3, 3), (1, -2, 1, -2, 4, -2, 1, -2, 1), scale=4, offset=128)
"""Even on slopes; of J. Immerkaer, Fast Noise Variance Estimation, 1996."""

_LARGE_LETTERS: Final = 4 / 5
_VARIETY: Final = 3
_LARGEST: Final = 32
"""By how many times large letters are higher than small ones, at most, and how high those are in pixels of half a page:
else it is rather a picture."""


def crop_as_page(image: Image.Image, steps: list[str]) -> tuple[Image.Image, bool]:
    """A crop made more like a page: dark on light, letters of readable height, room around them; is it one line?"""
    background = _edge_grey(image)
    if background < 128:
        image, background = ImageOps.invert(image), 255 - background
        steps.append("inverted")
    ink = image.point(_ink_of(background, INK_CONTRAST))
    box = ink.getbbox()
    height = box[3] - box[1] if box else image.height
    is_line = box is not None and _is_line(ink.crop(box))
    factor = max(1.0, min(MOST_UP, CROP_INK_HEIGHT / height, MAX_SIDE / image.width))
    if factor > 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, Image.Resampling.BICUBIC)
        steps.append(f"scaled x{round(factor, 1):g}")
    steps.append("border")
    if is_line:
        steps.append("one line")
    return ImageOps.expand(image, BORDER, fill=background), is_line


def crop_in_full_contrast(image: Image.Image) -> Image.Image:
    """A crop as large as it is, black on white, with room around it: what to look at when the other one is unclear."""
    background = _edge_grey(image)
    if background < 128:
        image, background = ImageOps.invert(image), 255 - background
    darkest, _ = cast("tuple[float, float]", image.getextrema())
    scale = 255 / max(1, background - darkest)
    image = image.point([max(0, min(255, round((grey - darkest) * scale))) for grey in range(256)])
    return ImageOps.expand(image, BORDER, fill=255)


def at_readable_size(
    image: Image.Image, languages: Sequence[str], least_side: int, steps: list[str]
) -> tuple[Image.Image, float]:
    """A page at the smallest size at which its letters are large enough, and the factor, 1.0 when it is as it was.

    A blurred one keeps its size, and is sharpened if it is much blurred.

    least_side: pixels that no side may fall below.
    """
    half = image.reduce(2)  # averages four pixels to one: the grain of a scan is no ink then
    darkest, lightest = grey_below(half, 0.005), grey_below(half, 0.995)
    if lightest - darkest <= INK_CONTRAST:  # a few words on a large page
        darkest, lightest = cast("tuple[int, int]", half.getextrema())
    paper = _paper(half, (darkest + lightest) // 2)
    contrast = max(paper - darkest, lightest - paper)
    ink = _ink_of(paper, contrast // 2)
    inked = half.point(ink)
    heights, is_latin = _heights(inked, _STRIP), LATIN.issuperset(languages)
    height = 2 * _height_below(heights, _SMALL_LETTERS)
    sharp = _steepest(half, inked) / max(1, contrast)
    if sharp < BLURRED and _is_print(heights):
        steps.append("sharpened")
        return _sharpened(image), 1.0
    if 0 < height <= (SMALL_LETTERS if is_latin else SMALL_CHARACTERS):
        return _twice(image, ink) if is_latin else _doubled(image)
    if not is_latin or min(image.size) < 2 * least_side or sharp < SHARP:
        return image, 1.0
    if lightest > paper - contrast // 2 > _edge_grey(half):
        return image, 1.0  # a sheet on a dark table: in fewer pixels the ends of its lines are lost to the table
    if sharp < CERTAINLY_SHARP and sharp - STEEPER * _grain(half) / max(1, contrast) < SHARP:
        return image, 1.0
    for scale in SCALES_DOWN:
        if height * scale >= PAGE_LETTER_HEIGHT and min(image.size) * scale >= least_side:
            if scale == 1 / 2:
                return half, scale
            size = (round(image.width * scale), round(image.height * scale))
            return image.resize(size, Image.Resampling.BOX), scale
    return image, 1.0


def _sharpened(image: Image.Image) -> Image.Image:
    """What narrow differences there are, three times as large; the narrowest are left out: they are grain."""
    narrow, wide = (image.filter(ImageFilter.GaussianBlur(radius)) for radius in (1, 3))
    return Image.blend(wide, narrow, 3.0)


def _twice(image: Image.Image, ink: list[int]) -> tuple[Image.Image, float]:
    """Twice as large, if its letters are really small: of half a page their height is known by two pixels only."""
    height = _height_below(_heights(image.point(ink), _STRIP // 2), _SMALL_LETTERS)
    return _doubled(image) if height < LEAST_LETTER_HEIGHT else (image, 1.0)


def _doubled(image: Image.Image) -> tuple[Image.Image, float]:
    width, height = 2 * image.width, 2 * image.height
    if width * height > MOST_PIXELS or max(width, height) > MAX_SIDE:
        return image, 1.0
    return image.resize((width, height), Image.Resampling.LANCZOS), 2.0


def _paper(page: Image.Image, between: int) -> int:
    """The grey of most paper: where a sheet lies on a dark table, the sheet's."""
    light = sum(page.histogram()[between + 1 :]) / (page.width * page.height)
    return grey_below(page, 1 - light / 2 if light > LEAST_SHEET else 0.5)


def grey_below(image: Image.Image, share: float) -> int:
    """The level of grey that so much of the image does not exceed."""
    least = share * image.width * image.height
    return next(grey for grey, count in enumerate(itertools.accumulate(image.histogram())) if count >= least)


def _steepest(page: Image.Image, inked: Image.Image) -> int:
    """Levels of grey between neighbours in a row, where they differ most; single pixels left out.

    inked: the page, 0 where there is no ink; of little ink a smaller part counts.
    """
    width, height = page.size
    here, right = page.crop((0, 0, width - 1, height)), page.crop((1, 0, width, height))
    ink = 1 - inked.histogram()[0] / (width * height)
    return grey_below(ImageChops.difference(here, right), 1 - min(0.005, ink / 10))


def _grain(page: Image.Image) -> float:
    """Levels of grey by which half of all pixels differ from what their neighbours tell, in letters as on paper."""
    there = page.filter(_AGAINST_NEIGHBOURS)
    return (grey_below(there, 0.75) - grey_below(there, 0.25)) / 2


def _heights(ink: Image.Image, strip: int) -> Counter[int]:
    """How high letters, or what may be letters, are in pixels, and how many are; seen in strips of this width."""
    runs = re.findall(rb"[^\0]+", _strips(ink, strip).tobytes())
    return Counter(len(run) for run in runs if len(run) >= _SPECK)


def _height_below(heights: Counter[int], share: float) -> int:
    """The height that this part of them do not exceed; 0 when there are none."""
    numbers = sorted(heights)
    enough = share * heights.total()
    for height, below in zip(numbers, itertools.accumulate(heights[one] for one in numbers), strict=True):
        if below >= enough:
            return height
    return 0


def _is_print(heights: Counter[int]) -> bool:
    """True when what may be letters is of one size, or of a few."""
    small, large = _height_below(heights, _SMALL_LETTERS), _height_below(heights, _LARGE_LETTERS)
    return 0 < small <= _LARGEST and large <= _VARIETY * small


def _is_line(ink: Image.Image) -> bool:
    """True when most letters are more than half as high as all ink together."""
    strips = _strips(ink, max(1, ink.height // 2))
    columns, rows = strips.tobytes(), strips.width
    tallest = [max(map(len, columns[start : start + rows].split(b"\0"))) for start in range(0, len(columns), rows)]
    return 2 * sorted(tallest)[len(tallest) // 2] > rows


def _strips(ink: Image.Image, width: int) -> Image.Image:
    """Upright strips of the image, each a row: not 0 where there is ink at that height."""
    return ink.reduce((width, 1)).transpose(Image.Transpose.TRANSPOSE)


@functools.lru_cache(maxsize=256)  # scans have any grey for a background
def _ink_of(background: int, contrast: int) -> list[int]:
    return [255 * (abs(grey - background) > contrast) for grey in range(256)]


def _edge_grey(image: Image.Image) -> int:
    """The median grey of the four edges: a crop's background."""
    pixels, width = image.tobytes(), image.width
    greys = sorted(pixels[:width] + pixels[-width:] + pixels[::width] + pixels[width - 1 :: width])
    return greys[(len(greys) - 1) // 2]
