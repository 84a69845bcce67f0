"""Layouts for the tests: words whose places are known."""

from collections.abc import Sequence

from ocr_server.outputs.layout import Block, Layout, Line, Paragraph, Word

WIDTH, HEIGHT = 1000, 1400

PLACES = {"Hello": (100, 220), "wide": (232, 330), "world": (345, 480)}
BASE, RISE, DESCENT = 300, 40, 10
"""Of the line that `page` has, in pixels."""


def word(text: str, left: float, right: float, base: float = BASE, language: str = "eng", is_rtl: bool = False) -> Word:
    box = (left, base - RISE, right, base + DESCENT)
    return Word(text, 95.6, box, (left, base), (right, base), language, is_rtl)


def line(*words: Word) -> Line:
    left, right = min(one.box[0] for one in words), max(one.box[2] for one in words)
    _, base = words[0].start
    return Line((left, base - RISE, right, base + DESCENT), (left, base), (right, base), (0, -RISE), words)


def page(*lines: Line, language: str = "eng", is_rtl: bool = False) -> Layout:
    """Each line a block of its own; without lines, the words of PLACES."""
    found = lines or (line(*(word(text, *place) for text, place in PLACES.items())),)
    blocks = (Block(one.box, (Paragraph(one.box, (one,), language, is_rtl),)) for one in found)
    return Layout(WIDTH, HEIGHT, tuple(blocks))


def texts(layout: Layout) -> list[str]:
    return [word.text for _, line in layout.numbered_lines() for word in line.words]


EMPTY = Layout(WIDTH, HEIGHT)

HOSTILE: Sequence[str] = (
    *("<b>", "&amp;", '"quoted"', "it's", "]]>", "--", "\\(", "tab\there", "a\x00b\x1bc\x08", "\ufffe\uffff!"),
    *("\x85next", "\u2028line", "e\u0301", "😀", "𠀀字", "測試", "שלום", "العربية", "(1)", "\ud800"),
)
"""Words that a careless writer would break at."""
