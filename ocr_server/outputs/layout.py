"""What stands where on a page: blocks, paragraphs, lines, words, with boxes, base lines and confidences. Pure."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Final

from .projective import Box, Point, Projective

_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0, section 2.2, has no place for, not even escaped; PDF and JSON readers are no better off with it."""

UNSPACED: Final = "\u2e80-\u303f\u3041-\u30ff\u31f0-\u9fff\uf900-\ufaff\uff01-\uffef\U00020000-\U0003ffff"
"""The characters (in a regular expression's brackets) of scripts without spaces: Han, kana and their punctuation."""

_UNSPACED: Final = re.compile(f"[{UNSPACED}]")


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """A word. confidence: 0 to 100. language: as Tesseract calls it, "" when unknown.

    start, end: of the word, on the line's base line; from where the letters' left is to where their right is.
    """

    text: str
    confidence: float
    box: Box
    start: Point
    end: Point
    language: str = ""
    is_rtl: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A line of text. start, end: of its base line. rise: from the base line to the top of high letters."""

    box: Box
    start: Point
    end: Point
    rise: Point
    words: tuple[Word, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together."""

    box: Box
    lines: tuple[Line, ...]
    language: str = ""
    is_rtl: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A column of text, a heading, a cell."""

    box: Box
    paragraphs: tuple[Paragraph, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """A page's blocks in reading order; none on an empty page. Coordinates are pixels of the image that was read."""

    width: int
    height: int
    blocks: tuple[Block, ...] = ()

    def numbered_lines(self) -> Iterator[tuple[int, Line]]:
        """All lines in reading order, each with its block's number, from 1."""
        for number, block in enumerate(self.blocks, 1):
            for paragraph in block.paragraphs:
                for line in paragraph.lines:
                    yield number, line

    def with_lines(self, change: Callable[[Line], Line]) -> "Layout":
        """The same with every line changed."""

        def paragraph(of: Paragraph) -> Paragraph:
            return dataclasses.replace(of, lines=tuple(map(change, of.lines)))

        def block(of: Block) -> Block:
            return dataclasses.replace(of, paragraphs=tuple(map(paragraph, of.paragraphs)))

        return dataclasses.replace(self, blocks=tuple(map(block, self.blocks)))

    def through(self, way: Projective, width: int, height: int) -> "Layout":
        """The same in the coordinates of another image, of this size."""

        def box(of: Box) -> Box:
            left, top, right, bottom = way.of_box(of)
            left, right = (min(max(x, 0.0), width) for x in (left, right))
            top, bottom = (min(max(y, 0.0), height) for y in (top, bottom))
            return left, top, right, bottom

        def word(of: Word) -> Word:
            start, end = way.of(of.start), way.of(of.end)
            return Word(of.text, of.confidence, box(of.box), start, end, of.language, of.is_rtl)

        def line(of: Line) -> Line:
            start, end = way.of(of.start), way.of(of.end)
            middle = (of.start[0] + of.end[0]) / 2, (of.start[1] + of.end[1]) / 2
            rise = way.of_vector(of.rise, middle)
            return Line(box(of.box), start, end, rise, tuple(map(word, of.words)))

        def paragraph(of: Paragraph) -> Paragraph:
            return Paragraph(box(of.box), tuple(map(line, of.lines)), of.language, of.is_rtl)

        def block(of: Block) -> Block:
            return Block(box(of.box), tuple(map(paragraph, of.paragraphs)))

        return Layout(width, height, tuple(map(block, self.blocks)))


def cleaned(text: str) -> str:
    """The text without what no format can hold; white space in it as single spaces."""
    return " ".join(_NOT_IN_XML.sub("", text).split())


def has_space_between(left: Word, right: Word) -> bool:
    """Whether a space is written between two words that follow each other."""
    return not (_UNSPACED.match(left.text[-1:]) and _UNSPACED.match(right.text[:1]))


def pixels(box: Box) -> tuple[int, int, int, int]:
    """Left, top, width and height in whole pixels, at least one each."""
    left, top, right, bottom = box
    x, y = round(left), round(top)
    return x, y, max(1, round(right) - x), max(1, round(bottom) - y)


def language_tag(language: str) -> str:
    """Tesseract's name of a language as BCP 47 has it (chi_tra: zh-Hant); "" for what is no language."""
    if language in _TAGS:
        return _TAGS[language]
    name, _, variant = language.partition("_")
    if not re.fullmatch("[a-z]{3}", name):
        return ""
    return f"{name}-{variant.capitalize()}" if re.fullmatch("[a-z]{4}", variant) else name


_TWO_LETTERS: Final = "eng en, deu de, fra fr, ita it, spa es, por pt, nld nl, rus ru, ara ar, heb he, jpn ja, kor ko"
_CHINESE: Final = "chi_sim zh-Hans, chi_tra zh-Hant, chi_sim_vert zh-Hans, chi_tra_vert zh-Hant"
_TAGS: Final = dict(pair.split(" ") for pair in f"{_TWO_LETTERS}, {_CHINESE}".split(", ")) | {"osd": "", "equ": ""}
"""Where BCP 47 (RFC 5646, section 2.2.1) wants two letters; others keep their three."""
