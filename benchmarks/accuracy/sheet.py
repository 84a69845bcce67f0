"""A page of paper that is written from top to bottom and remembers where each word stands."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Final

from PIL import Image, ImageDraw

from .fonts import Face, ink
from .mapping import Mapping
from .placement import Word

DRAWN_DPI: Final = 600
"""Pages are drawn finely and then made as coarse as they are wanted, as a scanner does."""

_CHINESE: Final = "\u3400-\u9fff"
_PIECE: Final = re.compile(
    rf"[{_CHINESE}][，。：；、！？」』）]*|[「『（][{_CHINESE}][，。：；、！？」』）]*|[^\s{_CHINESE}「『（]+"
)
"""What a line is not broken in: a word, or a Chinese character with the signs that stay with it."""
_HAN: Final = re.compile(f"[{_CHINESE}]")
_LETTER: Final = re.compile("[A-Za-z0-9]")


@dataclasses.dataclass(frozen=True)
class Page:
    """An image, the text in it, and the places of its words (none where they are not known)."""

    image: Image.Image
    text: str
    words: tuple[Word, ...] = ()
    dpi: int | None = None


def pixels(millimetres: float) -> int:
    """As many as are drawn."""
    return round(millimetres / 25.4 * DRAWN_DPI)


def points(size: float) -> int:
    """The height of a font in pixels; `size` as typographers say it, 72 an inch."""
    return round(size / 72 * DRAWN_DPI)


class Sheet:
    """White paper; sizes in millimetres, `leading` the distance of two lines in heights of their font."""

    def __init__(self, width: float, height: float, margin: float, leading: float = 1.4) -> None:
        self.image = Image.new("L", (pixels(width), pixels(height)), 255)
        self._draw = ImageDraw.Draw(self.image)
        self._left = self._top = pixels(margin)
        self._width = self.image.width - 2 * self._left
        self._leading = leading
        self._lines: list[str] = []
        self._words: list[Word] = []

    def page(self, dpi: int) -> Page:
        """What was written, at so many dots an inch: DRAWN_DPI divided by a whole number."""
        factor = DRAWN_DPI // dpi
        shrink = Mapping.scale(1 / factor)
        text = "\n".join(self._lines).strip() + "\n"
        return Page(self.image.reduce(factor), text, tuple(map(shrink.word, self._words)), dpi)

    def line(self, text: str, face: Face, align: str = "left") -> None:
        """Write one line; `align` is left, right or centre."""
        room = self._width - face.getlength(text)
        self._write(text, face, self._left + {"left": 0.0, "centre": room / 2, "right": room}[align])
        self._end_line(text, face)

    def row(self, cells: Sequence[str], stops: Sequence[float], face: Face, *, lines: bool = False) -> None:
        """Write one row of a table: the first cell at the left, each other one ending at its stop.

        stops: parts of the width. lines: draw the cells' borders.
        """
        ends = [self._left + self._width * stop for stop in stops]
        self._write(cells[0], face, self._left)
        for cell, end in zip(cells[1:], ends, strict=True):
            self._write(cell, face, end - face.getlength(cell))
        if lines:
            self._borders([self._left, *ends], face)
        self._end_line(" ".join(cells), face)

    def paragraphs(self, text: str, face: Face, title: Face | None = None) -> None:
        """Write running text, a gap below each paragraph; the first one is a heading where a font for it is given."""
        first, *others = text.strip().split("\n\n")
        self._paragraph(first, title or face)
        for paragraph in others:
            self._paragraph(paragraph, face)

    def gap(self, size: float) -> None:
        """Leave some room, half of a font's height."""
        self._lines.append("")
        self._top += round(size / 2)

    def rule(self) -> None:
        """Draw a line across."""
        self._draw.line((self._left, self._top, self._left + self._width, self._top), 0, pixels(0.3))
        self._top += pixels(1.5)

    def _paragraph(self, text: str, face: Face) -> None:
        line = ""
        for piece in _pieces(text):
            if line and face.getlength(f"{line}{piece}".rstrip()) > self._width:
                self._end_written(line.rstrip(), face)
                line = ""
            line += piece
        self._end_written(line.rstrip(), face)
        self.gap(face.size)

    def _end_written(self, line: str, face: Face) -> None:
        self._write(line, face, self._left)
        self._end_line(line, face)

    def _end_line(self, text: str, face: Face) -> None:
        self._lines.append(text)
        self._top += round(face.size * self._leading)

    def _write(self, text: str, face: Face, left: float) -> None:
        """Draw a line's text and note its words; Chinese characters that stand together are one word.

        The base line is where letters end, which in some fonts is not where the font says; in a line without letters it
        is the lower edge of square characters, which OpenType calls icfb.
        """
        ascent, descent = face.getmetrics()
        low = ink(face, "H" if _LETTER.search(text) or not _HAN.search(text) else "國")[3]
        x, base = round(left), self._top + ascent
        self._draw.text((x, base), text, 0, face, anchor="ls")
        for match in re.finditer(r"\S+", text):
            before = face.getlength(text[: match.start()])
            ink_left, _, ink_right, _ = ink(face, match[0])
            start, end = ((x + before + edge, base + low) for edge in (ink_left, ink_right))
            self._words.append(Word(match[0], start, end, ascent + descent))

    def _borders(self, edges: Sequence[float], face: Face) -> None:
        height = round(face.size * self._leading)
        top = self._top - round((height - face.size) / 2)
        width, pad = pixels(0.25), pixels(1.5)
        left, right = edges[0] - pad, edges[-1] + pad
        for x in (left, *(edge + pad for edge in edges[1:])):
            self._draw.line((x, top, x, top + height), 0, width)
        for y in (top, top + height):
            self._draw.line((left, y, right, y), 0, width)


def _pieces(text: str) -> Iterator[str]:
    """The pieces of a text, each with the space that follows it."""
    flat = " ".join(text.split())
    ends = [match.end() for match in _PIECE.finditer(flat)]
    start = 0
    for end in ends:
        end += flat[end : end + 1] == " "
        yield flat[start:end]
        start = end
