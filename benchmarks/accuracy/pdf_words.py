"""The words of a searchable PDF and their places in the pixels of its image, read back from the page's own operators.

What a viewer selects lies where these operators put it. Nothing of the OCR server's own geometry is used, and no
upright boxes, which would tell nothing of the base lines of a page that is skewed.
"""

import dataclasses
import io
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import pikepdf

from .mapping import Mapping
from .placement import Word

_TO_UNICODE: Final = re.compile(r"^<([0-9A-F]{4})> <([0-9A-Fa-f]+)>$", re.MULTILINE)
_CHINESE: Final = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_NEAR: Final = 1.5
"""Heights. Chinese pieces on one line that are no further apart are one word, as they are in the page's true words."""


def words(document: bytes) -> list[Word]:
    """The words of the first page, in the order of the text; height: the font's."""
    with pikepdf.open(io.BytesIO(document)) as opened:
        return list(_joined(_pieces(opened.pages[0])))


def _pieces(page: pikepdf.Page) -> Iterator[Word]:
    """What is shown, a word or a space each."""
    fonts: dict[str, tuple[dict[int, str], float]] = {}
    to_pixels = Mapping.scale(1)
    size = stretch = 1.0
    width, characters = 0.0, dict[int, str]()
    at: tuple[float, ...] = (1, 0, 0, 1, 0, 0)
    for instruction in pikepdf.parse_content_stream(page):
        given: list[Any] = list(instruction.operands)
        match str(instruction.operator):
            case "cm":
                to_pixels = _to_pixels(page, tuple(map(float, given)))
            case "Tf":
                name, size = str(given[0]), float(given[1])
                if name not in fonts:
                    fonts[name] = _font(page.Resources.Font[name])
                characters, width = fonts[name]
            case "Tz":
                stretch = float(given[0]) / 100
            case "Tm":
                at = tuple(map(float, given))
            case "Tj":
                codes = bytes(given[0])
                text = "".join(characters[int.from_bytes(codes[one : one + 2])] for one in range(0, len(codes), 2))
                length = len(codes) / 2 * width * size * stretch
                start, end = (at[4], at[5]), (at[4] + at[0] * length, at[5] + at[1] * length)
                yield to_pixels.word(Word(text, start, end, size * math.hypot(at[2], at[3])))
            case _:
                pass


def _font(font: pikepdf.Object) -> tuple[dict[int, str], float]:
    """The characters by their numbers, and the width of each in parts of the font's size."""
    table = font.ToUnicode.read_bytes().decode("ascii")
    characters = {int(code, 16): bytes.fromhex(text).decode("utf-16-be") for code, text in _TO_UNICODE.findall(table)}
    return characters, float(font.DescendantFonts[0].DW) / 1000


def _to_pixels(page: pikepdf.Page, placed: tuple[float, ...]) -> Mapping:
    """From points on the page to pixels of the one image, which the matrix `placed` makes of the unit square."""
    (image,) = page.Resources.XObject.values()
    wide, high = float(image.Width), float(image.Height)
    a, b, c, d, e, f = placed
    to_page = Mapping(((a / wide, -c / high, c + e), (b / wide, -d / high, d + f), (0, 0, 1)))
    return to_page.inverse()


def _joined(pieces: Iterator[Word]) -> Iterator[Word]:
    """The words: what stands between spaces, or on a line of its own; Chinese pieces that touch are one."""
    last: Word | None = None
    for piece in pieces:
        if not piece.text.strip():
            if last:
                yield last
            last = None
        elif last and _are_one(last, piece):
            last = dataclasses.replace(last, text=last.text + piece.text, end=piece.end)
        else:
            if last:
                yield last
            last = piece
    if last:
        yield last


def _are_one(left: Word, right: Word) -> bool:
    touching = _CHINESE.match(left.text[-1]) and _CHINESE.match(right.text[0])
    return bool(touching) and math.dist(left.end, right.start) <= _NEAR * right.height
