"""The classes of images that are read, each with its files and the rule it is judged by."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from . import damage, pages
from .cases import Case, case, in_all_formats, in_all_modes
from .sheet import Page

AUTO: Final = ("auto",)
"""Nobody says which language it is: ours is asked to find out, plain Tesseract takes English."""

UPRIGHT: Final = "clean"
"""The class whose pages are those of the turned ones."""

REAL_SCANS: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
"""Tesseract's own test scans, on machines that have them."""

Build = Callable[[], Iterable[Case]]


@dataclasses.dataclass(frozen=True)
class Class:
    """Images of a kind. languages: asked for of both programs; empty: what they take by themselves; AUTO.

    every_word: each text is to be right. is_turned: the pages of UPRIGHT, turned.
    """

    build: Build
    languages: tuple[str, ...] = ()
    every_word: bool = False
    is_turned: bool = False


def _files(of: Iterable[Page], change: Callable[[Page], Page], suffix: str = "png", **options: Any) -> Iterator[Case]:
    for number, page in enumerate(of, 1):
        yield case(f"{number}.{suffix}", change(page), **options)


def _same(page: Page) -> Page:
    return page


def _english(change: Callable[[Page], Page], dpi: int = 300, suffix: str = "png", **options: Any) -> Build:
    """The two plain pages, each changed so."""
    return lambda: _files(pages.english(dpi), change, suffix, **options)


def _of(drawn: Callable[[], Iterable[Page]], change: Callable[[Page], Page] = _same) -> Build:
    return lambda: _files(drawn(), change)


def _skewed(degrees: float) -> Build:
    """One page to the left, one to the right."""

    def build() -> Iterator[Case]:
        for number, page in enumerate(pages.english(), 1):
            yield case(f"{number}.png", damage.skewed(page, degrees if number % 2 else -degrees))

    return build


def _turned(degrees: int) -> Class:
    return Class(_english(functools.partial(damage.turned, degrees=degrees)), is_turned=True)


def _clean() -> Iterator[Case]:
    yield from _files(pages.english(), _same)


def _fax() -> Iterator[Case]:
    yield from _files(pages.english(200), _faxed, "tif", compression="group4")


def _faxed(page: Page) -> Page:
    return damage.one_bit(damage.speckled(page, 0.004))


def _dark(page: Page) -> Page:
    return damage.without_dpi(damage.coloured(page, "#e8eaed", "#202124"))


def _noise() -> Iterator[Case]:
    grain, specks = pages.english(200)
    yield case("1-grain.png", damage.noisy(grain, 110))
    yield case("2-specks.png", damage.speckled(specks, 0.08))


def _uneven_light() -> Iterator[Case]:
    for number, page in enumerate(pages.english(150), 1):
        yield case(f"{number}-lamp.png", damage.noisy(damage.unevenly_lit(damage.faded(page, 40, 240), 0.25), 8))
        yield case(f"{number}-shadow.png", damage.noisy(damage.in_shadow(damage.faded(page, 40, 240), 0.3), 8))


def _perspective() -> Iterator[Case]:
    one, other = pages.english(200)
    yield case("1.png", damage.in_perspective(one, ((0.10, 0.06), (0.90, 0.03), (0.99, 0.97), (0.01, 0.94))))
    yield case("2.png", damage.in_perspective(other, ((0.04, 0.02), (0.93, 0.12), (0.96, 0.90), (0.01, 0.99))))


def _photographed(page: Page) -> Page:
    """On a dark table, from the side, in the light of a lamp, with grain; no file of a camera tells the resolution."""
    seen = damage.in_perspective(page, ((0.09, 0.08), (0.92, 0.05), (0.96, 0.94), (0.05, 0.95)), around=70)
    lit = damage.unevenly_lit(damage.faded(damage.blurred(seen, 0.7), 45, 235), 0.5)
    return damage.without_dpi(damage.noisy(lit, 10))


def _photos() -> Iterator[Case]:
    for number, page in enumerate(pages.english(200), 1):
        yield case(f"{number}.jpg", _photographed(page), quality=70)


def _sideways_photos() -> Iterator[Case]:
    """As a telephone stores what it took upright: on its side, and EXIF says how to turn it; or nothing says it."""
    one, other = (damage.turned(_photographed(page), 90) for page in pages.english(200))
    exif = one.image.getexif()
    exif[0x0112] = 6  # turn it clockwise by 90 degrees to see it upright
    yield case("1-exif.jpg", one, quality=70, exif=exif)
    yield case("2-unsaid.jpg", other, quality=70)


def _dim(page: Page) -> Page:
    """In the evening, by hand."""
    dim = damage.unevenly_lit(damage.faded(damage.skewed(page, 1.5), 35, 150), 0.45)
    return damage.without_dpi(damage.noisy(dim, 12))


def _formats() -> Iterator[Case]:
    one, other = pages.english(200)
    yield from in_all_formats(one, other)


def _modes() -> Iterator[Case]:
    yield from in_all_modes(pages.english(200)[0])


def _real_scans() -> Iterator[Case]:
    for path in sorted(REAL_SCANS.glob("*.tif")):
        yield Case(path.name, path.read_bytes(), path.with_suffix(".txt").read_text("utf-8"))


CLASSES: Final[dict[str, Class]] = {
    UPRIGHT: Class(_clean),
    "fax": Class(_fax),
    "formats": Class(_formats),
    "colour-modes": Class(_modes),
    **{f"rotated-{degrees}": _turned(degrees) for degrees in (90, 180, 270)},
    **{f"skewed-{degrees}": Class(_skewed(degrees)) for degrees in (2, 5, 10)},
    **{f"dpi-{dpi}": Class(_english(_same, dpi)) for dpi in (75, 100, 150, 200, 600)},
    "inverted": Class(_english(damage.inverted, 200)),
    "dark-screenshot": Class(_of(pages.screen, _dark)),
    "transparent": Class(_english(damage.transparent, 200)),
    "noisy": Class(_noise),
    "blurred": Class(_english(functools.partial(damage.blurred, radius=2.6), 200)),
    "jpeg-20": Class(_english(_same, 150, "jpg", quality=20)),
    "uneven-light": Class(_uneven_light),
    "perspective": Class(_perspective),
    "photo": Class(_photos),
    "photo-sideways": Class(_sideways_photos),
    "words": Class(_of(pages.words), every_word=True),
    "receipts": Class(_of(pages.receipts)),
    "receipts-dim": Class(_of(pages.receipts, _dim)),
    "tables": Class(_of(pages.tables)),
    "two-columns": Class(_of(pages.two_columns)),
    "english": Class(_of(pages.punctuated), ("eng",)),
    "french": Class(_of(pages.french), ("fra",)),
    "german": Class(_of(pages.german), ("deu",)),
    "chinese": Class(_of(pages.chinese), ("chi_tra",)),
    "mixed-latin": Class(_of(pages.mixed_latin), ("eng", "fra", "deu")),
    "mixed-chinese": Class(_of(pages.mixed_chinese), ("chi_tra", "eng")),
    "french-unsaid": Class(_of(pages.french), AUTO),
    "german-unsaid": Class(_of(pages.german), AUTO),
    "chinese-unsaid": Class(_of(pages.chinese), AUTO),
    "real-scans": Class(_real_scans, ("eng", "deu", "fra")),
}
"""In the order of the table."""
