"""The invisible text of a PDF's page: each word between its left and right, on its base line. Pure.

The font has no shapes; all its characters are half as wide as high, and each word is stretched to its width. Characters
are numbered as they come, and a table (ToUnicode) says which number is which: any character can be copied.
"""

import dataclasses
import itertools
import math
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from .layout import Layout, Line, Word, has_space_between
from .projective import Point, Projective

ASCENT: Final = 1000
DESCENT: Final = -250
"""Thousandths of the font's size, which is the height of high letters above the base line."""

WIDTH: Final = 500
"""Of each character, in thousandths of the font's size."""

LEAST_SLOPE: Final = 0.002
"""Sine of the angle: pdftotext begins a new word where the base line has moved by half a point."""

MAX_CODES: Final = 0xFFFF
REPLACEMENT: Final = "\ufffd"


@dataclasses.dataclass(slots=True)
class Codes:
    """The numbers of a document's characters, from 1."""

    numbers: dict[str, int] = dataclasses.field(default_factory=dict)

    def encode(self, text: str) -> str:
        """The text as a PDF's hexadecimal string."""
        return f"<{''.join(f'{self._number(character):04X}' for character in text)}>"

    def _number(self, character: str) -> int:
        if character not in self.numbers and len(self.numbers) >= MAX_CODES - 1:
            character = REPLACEMENT
        return self.numbers.setdefault(character, len(self.numbers) + 1)

    def to_unicode(self) -> str:
        """The table from numbers to characters (ISO 32000-1, 9.10.3; a block has 100 rows at most)."""
        rows = [f"<{number:04X}> <{character.encode('utf-16-be').hex()}>" for character, number in self.numbers.items()]
        blocks = (rows[start : start + 100] for start in range(0, len(rows), 100))
        tables = "".join(f"{len(block)} beginbfchar\n{chr(10).join(block)}\nendbfchar\n" for block in blocks)
        return _CMAP.format(tables=tables)


_CMAP: Final = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{tables}endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


def text_operators(layout: Layout, to_page: Projective, codes: Codes) -> str:
    """The operators that write the page's words. to_page: from the layout's pixels to PDF's points, y upwards."""
    lines = "".join(_line(line, to_page, codes) for _, line in layout.numbered_lines())
    return f"BT\n3 Tr\n{lines}ET\n" if lines else ""


def _line(line: Line, to_page: Projective, codes: Codes) -> str:
    direction = _direction(to_page.of(line.start), to_page.of(line.end))
    if direction is None:
        return ""
    cosine, sine = direction
    rise = to_page.of_vector(line.rise, line.start)
    size = round(max(abs(rise[1] * cosine - rise[0] * sine), 0.1), 3)
    shown = [f"/F {size:g} Tf\n"]
    for text, start, length in _pieces(line.words, to_page, direction, size):
        stretch = 100 * length / (len(text) * size * WIDTH / 1000)
        matrix = f"{cosine:.6f} {sine:.6f} {-sine:.6f} {cosine:.6f} {start[0]:.3f} {start[1]:.3f}"
        shown.append(_whole(text, f"{stretch:.4f} Tz {matrix} Tm {codes.encode(text)} Tj\n", direction))
    return "".join(shown)


def _whole(text: str, operators: str, direction: Point) -> str:
    """A word on a slope in one piece (ISO 32000-1, 14.9.4): readers cut it where its base line has moved."""
    if text.isspace() or min(map(abs, direction)) < LEAST_SLOPE:
        return operators
    return f"/Span << /ActualText <FEFF{text.encode('utf-16-be').hex()}> >> BDC\n{operators}EMC\n"


def _direction(start: Point, end: Point) -> Point | None:
    length = math.dist(start, end)
    return ((end[0] - start[0]) / length, (end[1] - start[1]) / length) if length else None


def _pieces(
    words: Iterable[Word], to_page: Projective, direction: Point, size: float
) -> Iterator[tuple[str, Point, float]]:
    """Words, and the spaces between them, each with its start and its length. size: of the font."""
    placed = [(word, to_page.of(word.start), to_page.of(word.end)) for word in words]
    for (word, start, end), following in itertools.zip_longest(placed, placed[1:]):
        length = math.dist(start, end)
        if following is not None and not has_space_between(word, following[0]):
            # Readers take room between characters for a space, and a step back for another line.
            step = (following[1][0] - start[0]) * direction[0] + (following[1][1] - start[1]) * direction[1]
            length = step if 0 < step <= length + size else length
        yield in_visual_order(word.text), start, max(length, 0.01)
        if following is None or not has_space_between(word, following[0]):
            continue
        # In lines that run from right to left the next word is to the left.
        for gap_start, gap_end in ((end, following[1]), (following[2], start)):
            gap = (gap_end[0] - gap_start[0]) * direction[0] + (gap_end[1] - gap_start[1]) * direction[1]
            if gap > 0:
                yield " ", gap_start, gap
                break


def in_visual_order(text: str) -> str:
    """The characters from left to right, as PDF has them; readers turn Hebrew and Arabic round again."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    if not {"R", "AL"} & set(kinds):
        return text
    runs = itertools.groupby(zip(text, kinds, strict=True), key=lambda one: one[1] in ("L", "EN", "AN"))
    parts = [(is_ltr, "".join(character for character, _ in run)) for is_ltr, run in runs]
    return "".join(part if is_ltr else part[::-1] for is_ltr, part in reversed(parts))
