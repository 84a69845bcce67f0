"""What befalls pages on their way: each function takes a page and gives another. Nothing is random but by its seed."""

import dataclasses
import random
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageOps

from .mapping import Mapping, Quad
from .sheet import Page

SEED: Final = 20240229
_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def turned(page: Page, degrees: int) -> Page:
    """Counterclockwise by 90, 180 or 270 degrees."""
    width, height = page.image.size
    to = Mapping.turn(degrees).then(Mapping.shift(*{90: (0, width), 180: (width, height), 270: (height, 0)}[degrees]))
    return _moved(page, page.image.transpose(_TURNS[degrees]), to)


def skewed(page: Page, degrees: float) -> Page:
    """Turned counterclockwise about its middle, on paper that goes on around it."""
    x, y = page.image.width / 2, page.image.height / 2
    return _warped(page, Mapping.shift(-x, -y).then(Mapping.turn(degrees)).then(Mapping.shift(x, y)), 255)


def in_perspective(page: Page, corners: Quad, around: int = 255) -> Page:
    """Seen from the side: its corners (upper left, upper right, lower right, lower left) where these are, in parts of
    the image, which keeps its size; `around` is the grey beside it."""
    width, height = page.image.size
    quad = tuple((x * width, y * height) for x, y in corners)
    return _warped(page, Mapping.to_quad(width, height, (quad[0], quad[1], quad[2], quad[3])), around)


def noisy(page: Page, amount: int) -> Page:
    """Grain of so many grey levels, each way."""
    grain = _grain(page.image.size).point([level * 2 * amount // 255 for level in range(256)])
    return _with(page, ImageChops.add(page.image, grain, 1, -amount))


def speckled(page: Page, share: float) -> Page:
    """Salt and pepper: this part of the pixels black or white."""
    size = page.image.size
    specks = Image.frombytes("L", size, random.Random(SEED).randbytes(size[0] * size[1]))  # noqa: S311 - it draws specks
    half = round(128 * share)
    salt = specks.point([255 * (level < half) for level in range(256)])
    pepper = specks.point([255 * (level < 256 - half) for level in range(256)])
    return _with(page, ImageChops.darker(ImageChops.lighter(page.image, salt), pepper))


def blurred(page: Page, radius: float) -> Page:
    """Out of focus; `radius` in pixels."""
    return _with(page, page.image.filter(ImageFilter.GaussianBlur(radius)))


def unevenly_lit(page: Page, darkest: float) -> Page:
    """A lamp at the upper left; in the far corner this part of its light is left."""
    fall = Image.radial_gradient("L").point([255 - round(level * (1 - darkest)) for level in range(256)])
    light = fall.crop((100, 90, 219, 219)).resize(page.image.size, Image.Resampling.BICUBIC)
    return _with(page, ImageChops.multiply(page.image, light))


def in_shadow(page: Page, light: float) -> Page:
    """The shadow of a hand over the lower right, with a soft edge; this part of the light is left in it."""
    width, height = page.image.size
    shadow = Image.new("L", (64, 64), 255)
    shadow.paste(round(255 * light), (30, 26, 64, 64))
    soft = shadow.rotate(12, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(2))
    return _with(page, ImageChops.multiply(page.image, soft.resize((width, height), Image.Resampling.BICUBIC)))


def faded(page: Page, ink: int, paper: int) -> Page:
    """Less contrast: black becomes the grey `ink`, white the grey `paper`."""
    return _with(page, page.image.point([ink + level * (paper - ink) // 255 for level in range(256)]))


def inverted(page: Page) -> Page:
    """White on black."""
    return _with(page, ImageOps.invert(page.image))


def coloured(page: Page, ink: str, paper: str) -> Page:
    """In two colours and what lies between them."""
    return _with(page, ImageOps.colorize(page.image, ink, paper))


def transparent(page: Page) -> Page:
    """Black letters on nothing: black everywhere, and only the alpha channel tells them apart."""
    alpha = ImageOps.invert(page.image)
    black = Image.new("L", page.image.size, 0)
    return _with(page, Image.merge("LA", (black, alpha)).convert("RGBA"))


def one_bit(page: Page) -> Page:
    """Black and white only."""
    return _with(page, page.image.convert("1", dither=Image.Dither.NONE))


def without_dpi(page: Page) -> Page:
    """As cameras and screens give it: a file that does not tell its resolution."""
    return dataclasses.replace(page, dpi=None)


def _grain(size: tuple[int, int]) -> Image.Image:
    """From 0 to 255, most in the middle; the same at every run."""
    length = size[0] * size[1]
    data = random.Random(SEED).randbytes(2 * length)  # noqa: S311 - it draws grain
    one, other = (Image.frombytes("L", size, data[start : start + length]) for start in (0, length))
    return Image.blend(one, other, 0.5)


def _with(page: Page, image: Image.Image) -> Page:
    return dataclasses.replace(page, image=image)


def _warped(page: Page, to: Mapping, around: int) -> Page:
    # Pillow asks for the way back: where each pixel of the result comes from.
    image = page.image.transform(
        page.image.size,
        Image.Transform.PERSPECTIVE,
        to.inverse().coefficients(),
        Image.Resampling.BICUBIC,
        fillcolor=around,
    )
    return _moved(page, image, to)


def _moved(page: Page, image: Image.Image, to: Mapping) -> Page:
    return dataclasses.replace(page, image=image, words=tuple(map(to.word, page.words)))
