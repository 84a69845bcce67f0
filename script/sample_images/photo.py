"""From a clean page to one that a telephone took a picture of."""

import random

from PIL import Image, ImageChops, ImageFilter

SEED = 20240229
SKEW = 0.8  # degrees
NOISE = 12  # grey levels, each way
DARKEST = 0.72  # the light in the darkest corner, of 1
TINT = (255, 249, 238)  # the red, green and blue that warm light leaves of white


def photograph(page: Image.Image) -> Image.Image:
    """Turn, soften, light unevenly, tint and add noise; the result is in colour."""
    turned = page.rotate(SKEW, Image.Resampling.BICUBIC, fillcolor=255)
    soft = turned.filter(ImageFilter.GaussianBlur(0.6))
    lit = ImageChops.multiply(soft, _light(page.size))
    noisy = ImageChops.add(lit, _noise(page.size), 1, -NOISE)
    tint = [Image.new("L", page.size, level) for level in TINT]
    return Image.merge("RGB", [ImageChops.multiply(noisy, level) for level in tint])


def _light(size: tuple[int, int]) -> Image.Image:
    """Light that falls off with the distance from a lamp at the upper left of the page."""
    darkest = round(255 * DARKEST)
    fall = Image.radial_gradient("L").point([255 - level * (255 - darkest) // 255 for level in range(256)])
    lamp_to_corner = fall.crop((96, 80, 224, 224))
    return lamp_to_corner.resize(size, Image.Resampling.BICUBIC)


def _noise(size: tuple[int, int]) -> Image.Image:
    """Noise from 0 to twice NOISE, the same at every run."""
    generator = random.Random(SEED)  # noqa: S311 (it draws grain, it guards nothing)
    length = size[0] * size[1]
    one, other = (Image.frombytes("L", size, generator.randbytes(length)) for _ in range(2))
    return Image.blend(one, other, 0.5).point([level * 2 * NOISE // 255 for level in range(256)])
