"""An image file whose text is known, and the kinds of file that a page is saved as."""

import dataclasses
import io
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image, features

from . import damage
from .placement import Word
from .sheet import Page

_KINDS: Final = {
    "jpg": "JPEG",
    "tif": "TIFF",
    **{name: name.upper() for name in ("png", "webp", "bmp", "gif", "avif")},
    "heic": "HEIF",
}
"""By a name's end, as Pillow calls them."""
_TELL_DPI: Final = ("JPEG", "TIFF", "PNG", "BMP")


@dataclasses.dataclass(frozen=True)
class Case:
    """An image file, the text in it, and the places of its words where they are known."""

    file_name: str
    content: bytes = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    words: tuple[Word, ...] = dataclasses.field(default=(), repr=False)


def case(name: str, page: Page, **options: Any) -> Case:
    """A page as an image file of the kind that the name ends in; options are Pillow's for saving."""
    file = io.BytesIO()
    kind = _KINDS[name.rpartition(".")[2]]
    if page.dpi and kind in _TELL_DPI:
        options["dpi"] = (page.dpi, page.dpi)
    page.image.save(file, kind, **options)
    return Case(name, file.getvalue(), page.text, page.words)


def in_all_formats(one: Page, other: Page) -> Iterator[Case]:
    """The first page in each format but PNG; both as a TIFF of two; HEIC and AVIF where they can be written."""
    yield case("1.jpg", one, quality=85)
    yield case("2.bmp", one)
    yield case("3.gif", one)
    yield case("4.webp", one, quality=80)
    more = {"save_all": True, "append_images": [damage.one_bit(other).image], "compression": "tiff_lzw"}
    yield case("5-two-pages.tif", dataclasses.replace(one, text=f"{one.text}\f{other.text}", words=()), **more)
    if features.check("avif"):
        yield case("6.avif", one, quality=60)
    if _can_write_heic():
        yield case("7.heic", one, quality=60)


def in_all_modes(page: Page) -> Iterator[Case]:
    """The page in 16 bits, in the colours of print, in a palette, in one bit; in 16 bits with little contrast."""
    deep = page.image.convert("I").point(lambda grey: grey * 257).convert("I;16")
    yield case("1-16-bit.png", dataclasses.replace(page, image=deep))
    coloured = damage.coloured(page, "#7a1420", "#dfeaf4").image
    yield case("2-cmyk.jpg", dataclasses.replace(page, image=coloured.convert("CMYK")), quality=85)
    yield case("3-cmyk.tif", dataclasses.replace(page, image=coloured.convert("CMYK")), compression="tiff_lzw")
    yield case("4-palette.png", dataclasses.replace(page, image=coloured.quantize(16)))
    yield case("5-one-bit.png", damage.one_bit(page))
    faint = page.image.convert("I").point(lambda grey: grey * 40 + 20_000).convert("I;16")
    yield case("6-16-bit-faint.tif", dataclasses.replace(page, image=faint))


def _can_write_heic() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return "HEIF" in Image.SAVE
