"""Where reading ends: one page, damaged more and more."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from . import damage, pages
from .cases import case
from .mapping import Quad
from .reading import Plain, Reader
from .scoring import tally
from .sheet import Page

DPI: Final = 200


@dataclasses.dataclass(frozen=True)
class Step:
    """One strength of a damage, and the errors of both in points of a hundred characters."""

    strength: str
    plain: float
    ours: float


def _from_the_side(much: float) -> Quad:
    """The far edge of a page that is looked at more and more from below: so much shorter, each side half of it."""
    return ((much / 2, much / 2), (1 - much / 2, much / 2), (0.99, 0.97), (0.01, 0.97))


def _lamp(page: Page, percent: float) -> Page:
    return damage.noisy(damage.unevenly_lit(page, percent / 100), 8)


def _specks(page: Page, percent: float) -> Page:
    return damage.speckled(page, percent / 100)


def _side(page: Page, percent: float) -> Page:
    return damage.in_perspective(page, _from_the_side(percent / 100))


_LADDERS: Final[dict[str, tuple[Callable[[Page, float], Page], tuple[float, ...]]]] = {
    "skewed by so many degrees": (damage.skewed, (5, 10, 12, 15, 20)),
    "out of focus, by so many pixels at 200 dots an inch": (damage.blurred, (2, 2.6, 3, 3.5, 4)),
    "specks, percent of the pixels": (_specks, (4, 8, 12, 20, 30)),
    "light in the darkest corner, percent": (_lamp, (50, 25, 15, 10, 5)),
    "seen from below: the far edge shorter by so many percent": (_side, (10, 20, 30, 40, 50)),
}
_COARSE: Final = (100, 75, 60, 50, 40)


def ladders(plain: Plain, ours: Reader) -> Iterator[tuple[str, Sequence[Step]]]:
    """What befalls the page, and how both read it, step by step."""
    yield "dots an inch", [_step(str(dpi), pages.english(dpi)[0], plain, ours) for dpi in _COARSE]
    page = pages.english(DPI)[0]
    for name, (change, strengths) in _LADDERS.items():
        yield name, [_step(f"{strength:g}", change(page, strength), plain, ours) for strength in strengths]


def _step(strength: str, page: Page, plain: Plain, ours: Reader) -> Step:
    file = case("1.png", page)
    read = (plain.read(file, ()), ours.read(file, ()))
    errors = [tally(page.text, one.text).character_error for one in read]
    return Step(strength, *errors)
