"""Chinese as it is written: no spaces between its characters, and marks as wide as these. Pure.

Tesseract puts spaces where a mark leaves room, and its models give the narrow marks of ASCII for the wide ones.
"""

import dataclasses
import re
from typing import Final

from .outputs.layout import UNSPACED, Layout, Line

_CHARACTER: Final = "\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CLOSING: Final = "\u3009\u300b\u300d\u300f\u3011\uff09"
"""Brackets and quotation marks, after which a mark belongs to the Chinese before them."""

_NARROW: Final = ",;:!?"
_WIDE: Final = str.maketrans(_NARROW, "".join(chr(ord(mark) + 0xFEE0) for mark in _NARROW))

_MARKS: Final = re.compile(rf"(?<=[{_CHARACTER}{_CLOSING}])[ \t]*[{_NARROW}]+(?=[ \t]*(?:[{UNSPACED}]|\n|$))")
_SPACES: Final = re.compile(rf"(?<=[{UNSPACED}])[ \t]+(?=[{UNSPACED}])")


def tidied(text: str) -> str:
    """The text with wide marks after Chinese characters and without spaces between these; other text as it is."""
    return text if text.isascii() else _SPACES.sub("", _with_wide_marks(text))


def tidied_layout(layout: Layout) -> Layout:
    """The same marks in a layout's words. Whoever writes them knows where no space belongs."""
    return layout.with_lines(_tidied_line)


def _with_wide_marks(text: str) -> str:
    """As long as before."""
    return _MARKS.sub(lambda marks: marks[0].translate(_WIDE), text)


def _tidied_line(line: Line) -> Line:
    before = " ".join(word.text for word in line.words)
    after = before if before.isascii() else _with_wide_marks(before)
    if after == before:
        return line
    words, start = [], 0
    for word in line.words:
        words.append(dataclasses.replace(word, text=after[start : start + len(word.text)]))
        start += len(word.text) + 1
    return dataclasses.replace(line, words=tuple(words))
