"""The fonts of the pages: those of script/sample_images, and two with Chinese characters."""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from script.sample_images.drawing import FONTS, MissingFont, font

Face = ImageFont.FreeTypeFont

SERIF, SANS, MONO = "LiberationSerif-Regular", "LiberationSans-Regular", "LiberationMono-Regular"
BOLD, WIDE = "LiberationSans-Bold", "DejaVuSans"
MING, HEI = "AR PL UMing TW", "WenQuanYi Micro Hei"  # with thick and thin strokes, in print; with even ones, on screens

_CHINESE: Final[dict[str, tuple[Path, int, str]]] = {
    MING: (FONTS / "arphic" / "uming.ttc", 2, "fonts-arphic-uming"),
    HEI: (FONTS / "wqy" / "wqy-microhei.ttc", 0, "fonts-wqy-microhei"),
}
"""File, which font in it, Debian package."""


def face(name: str, size: int) -> Face:
    """A font by its name, `size` in pixels. Raises MissingFont, which names the package to install."""
    if name not in _CHINESE:
        return font(name, size)
    path, index, package = _CHINESE[name]
    if not path.is_file():
        raise MissingFont(f"{path} is missing: apt-get install {package}")
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)


def ink(face: Face, text: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is drawn, from where its base line begins; getbbox has the room beside it."""
    mask, (left, top) = face.getmask2(text, "L", anchor="ls")
    box = mask.getbbox() or (0, 0, 0, 0)
    return left + box[0], top + box[1], left + box[2], top + box[3]


def edges(face: Face, text: str) -> tuple[float, float]:
    """Left and right as `ink`, in parts of a pixel: a column that is at most half grey is half covered."""
    left, top, right, bottom = ink(face, text)
    image = Image.new("L", (round(right - left), round(bottom - top)))
    if not image.width or not image.height:
        return left, right
    ImageDraw.Draw(image).text((-left, -top), text, 255, face, anchor="ls")
    first, last = (image.crop((x, 0, x + 1, image.height)).getextrema() for x in (0, image.width - 1))
    return left + 1 - _most(first) / 255, right - 1 + _most(last) / 255


def _most(extrema: object) -> float:
    assert isinstance(extrema, tuple)
    return float(extrema[1])
