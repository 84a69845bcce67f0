"""Tesseract's own table and hOCR of a page to its layout; both of its engines give these two from one recognition.

The table (TSV) has the structure, boxes and exact confidences; the hOCR the base lines, languages and directions.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .layout import Block, Layout, Line, Paragraph, Word, cleaned
from .projective import Box, Point

_PAGE, _BLOCK, _PARAGRAPH, _LINE, _WORD = range(1, 6)  # levels in the table
_COLUMNS: Final = 12

_ELEMENT: Final = re.compile(
    r"<(?:p|span) class='(ocr_par|ocr_line|ocr_header|ocr_textfloat|ocr_caption|ocrx_word)'"
    r"([^>]*\bbbox (\d+ \d+ \d+ \d+)[^>]*)>"
)
_LEVELS: Final = {"ocr_par": _PARAGRAPH, "ocrx_word": _WORD}  # whatever else it is called is a line
_LANGUAGE: Final = re.compile(r"\blang='([^']*)'")
_BASE_LINE: Final = re.compile(r"; baseline (\S+) ([^\s;\"']+)")
_TEXT_ANGLE: Final = re.compile(r"; textangle (\d+)")
_SIZE: Final = re.compile(r"; x_size (\S+); x_descenders (-?[\d.e+-]+)")

_LEAST_RISE: Final = 0.3  # of the line's height; less is a mistake


def layout_of(api: Any) -> Layout:
    """The layout of the page that a tesserocr.PyTessBaseAPI has just recognised."""
    return layout_from(api.GetTSVText(0), api.GetHOCRText(0))


def layout_from(tsv: str, hocr: str) -> Layout:
    """The layout in a table and an hOCR of the same recognition of one page. Raises ValueError for what is no table."""
    return _Reader(hocr).layout(tsv)


@dataclasses.dataclass(slots=True)
class _Row:
    """A row of the table, with the rows of the next level that are in it."""

    level: int
    box: Box
    confidence: float
    text: str
    inner: list["_Row"]


def _rows(tsv: str) -> Iterator[_Row]:
    for text in tsv.split("\n"):
        fields = text.split("\t")
        if len(fields) >= _COLUMNS and fields[0].isdecimal():  # the program's table has a head, the library's none
            left, top, width, height = map(float, fields[6:10])
            box = (left, top, left + width, top + height)
            yield _Row(int(fields[0]), box, float(fields[10]), " ".join(fields[11:]), [])


def _tree(tsv: str) -> _Row:
    page: _Row | None = None
    open_rows: list[_Row] = []
    for row in _rows(tsv):
        if row.level == _PAGE:
            page, open_rows = row, [row]
            continue
        del open_rows[row.level - 1 :]
        if len(open_rows) != row.level - 1:
            raise ValueError("Tesseract's table skips a level.")
        open_rows[-1].inner.append(row)
        open_rows.append(row)
    if page is None:
        raise ValueError("Tesseract's table has no page.")
    return page


class _Reader:
    """Table and hOCR side by side; what belongs together has the same box (only one of them names empty blocks)."""

    def __init__(self, hocr: str) -> None:
        elements = (match.groups() for match in _ELEMENT.finditer(hocr))
        self._said = {(_LEVELS.get(kind, _LINE), box): attributes for kind, attributes, box in elements}

    def _attributes(self, row: _Row) -> str:
        return self._said.get((row.level, " ".join(f"{place:g}" for place in row.box)), "")

    def layout(self, tsv: str) -> Layout:
        page = _tree(tsv)
        blocks = (Block(row.box, tuple(self._paragraphs(row.inner))) for row in page.inner)
        _, _, width, height = page.box
        return Layout(int(width), int(height), tuple(block for block in blocks if block.paragraphs))

    def _paragraphs(self, rows: Sequence[_Row]) -> Iterator[Paragraph]:
        for row in rows:
            attributes = self._attributes(row)
            language, is_rtl = _language(attributes), "dir='rtl'" in attributes
            lines = tuple(self._lines(row.inner, language, is_rtl))
            if lines:
                yield Paragraph(row.box, lines, language, is_rtl)

    def _lines(self, rows: Sequence[_Row], language: str, is_rtl: bool) -> Iterator[Line]:
        for row in rows:
            attributes = self._attributes(row)
            start, end, rise = _base_line(row.box, attributes)
            words = list[Word]()
            for inner in row.inner:
                said = self._attributes(inner)
                text = cleaned(inner.text)
                if text:  # an empty page may have a word: a blank of which the engine is sure
                    word_start, word_end = _on_base_line(inner.box, start, end)
                    word_is_rtl = "dir='rtl'" in said or (is_rtl and "dir='ltr'" not in said)
                    confidence = min(max(inner.confidence, 0.0), 100.0)
                    word_language = _language(said) or language
                    words.append(Word(text, confidence, inner.box, word_start, word_end, word_language, word_is_rtl))
            if words:
                yield Line(row.box, start, end, rise, tuple(words))


def _language(attributes: str) -> str:
    found = _LANGUAGE.search(attributes)
    return found[1] if found else ""


def _base_line(box: Box, attributes: str) -> tuple[Point, Point, Point]:
    """Start, end and rise. Lines that are not upright have an angle in place of a base line (hOCR: textangle)."""
    left, top, right, bottom = box
    sized = _SIZE.search(attributes)
    size, descenders = (float(sized[1]), float(sized[2])) if sized else (0.0, 0.0)
    angle = _TEXT_ANGLE.search(attributes)
    match int(angle[1]) % 360 if angle else 0:
        case 90:  # counterclockwise: read upwards
            x = right - descenders
            return (x, bottom), (x, top), (-_rise(size - descenders, x - left), 0.0)
        case 180:
            y = top + descenders
            return (right, y), (left, y), (0.0, _rise(size - descenders, bottom - y))
        case 270:
            x = left + descenders
            return (x, top), (x, bottom), (_rise(size - descenders, right - x), 0.0)
    slope, offset = 0.0, 0.0
    if found := _BASE_LINE.search(attributes):
        slope, offset = float(found[1]), float(found[2])
    # Both ends are whole pixels in Tesseract, which gives the slope to three places: rounding finds the end again.
    start, end = (left, bottom + offset), (right, bottom + round(offset + slope * (right - left)))
    middle = (start[1] + end[1]) / 2
    return start, end, (0.0, -_rise(size - descenders, middle - top))


def _rise(said: float, seen: float) -> float:
    """What Tesseract says of the row's letters, unless the line's box shows that it cannot be."""
    if not max(seen, 1.0) * _LEAST_RISE <= said <= max(seen, 1.0) / _LEAST_RISE:
        said = seen
    return max(said, 1.0)


def _on_base_line(box: Box, start: Point, end: Point) -> tuple[Point, Point]:
    """The part of a base line that is a word's: the box's sides in the direction of the line."""
    left, top, right, bottom = box
    (x0, y0), (x1, y1) = start, end
    along, across = x1 - x0, y1 - y0
    if abs(along) >= abs(across):
        if not along:
            return (left, y0), (right, y0)
        first, last = (left, right) if along > 0 else (right, left)
        points = [(x, y0 + (x - x0) * across / along) for x in (first, last)]
    else:
        first, last = (top, bottom) if across > 0 else (bottom, top)
        points = [(x0 + (y - y0) * along / across, y) for y in (first, last)]
    return points[0], points[1]
