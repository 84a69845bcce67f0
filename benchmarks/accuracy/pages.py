"""The pages that are drawn, as they are before anything befalls them. Drawn once, however often they are used."""

import functools
import random
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

from script.sample_images import texts as plain_texts
from script.sample_images.pages import two_columns as newsletter

from . import texts
from .fonts import BOLD, HEI, MING, MONO, SANS, SERIF, WIDE, edges, face, ink
from .placement import Word
from .sheet import Page, Sheet, points

SCAN_DPI: Final = 300
SCREEN_SIZES: Final = (13, 14, 15, 16, 18, 20, 24, 28, 32)
"""Heights of a screen's fonts, in pixels."""
SCREEN_COLOURS: Final = (
    *(("#202124", "#ffffff"), ("#3c4043", "#f1f3f4"), ("#0b57d0", "#ffffff"), ("#5f6368", "#fffbe6")),
    *(("#ffffff", "#1a73e8"), ("#e8eaed", "#202124"), ("#ffffff", "#188038")),
)
"""Ink and paper."""

Look = tuple[str, int, str, str, int]
"""Font, its height, ink, paper, margin."""

HARD: Final[tuple[tuple[str, Look], ...]] = (
    ("so", (SANS, 20, "#5f6368", "#fffbe6", 11)),
    ("Sign in", (BOLD, 20, "#3c4043", "#f1f3f4", 12)),
)
"""Looks that were once read wrong, as "SO" and "Signin"."""

TILL_WIDTH: Final = 80.0
_MORE_ITEMS: Final = (
    *(("2 x Whole milk 1 l", "2.58"), ("Free range eggs", "3.49"), ("Tomatoes 0.482 kg", "1.68")),
    *(("Dishwasher tabs", "8.99"), ("Olive oil 500 ml", "7.25"), ("Deposit", "0.25"), ("Discount 10%", "-2.42")),
    *(("TOTAL", "21.82"), ("CARD", "21.82")),
)
_TABLE: Final = (
    ("Part", "Stock", "Price", "Value"),
    ("Hinge 60 mm", "140", "1.25", "175.00"),
    ("Door handle", "36", "18.90", "680.40"),
    ("Screw M4 x 20", "2500", "0.03", "75.00"),
    ("Wood glue 750 g", "18", "9.45", "170.10"),
    ("Sandpaper P120", "65", "0.80", "52.00"),
    ("Brass lock", "12", "34.50", "414.00"),
    ("Oak board 2 m", "27", "22.00", "594.00"),
)


@functools.cache
def english(dpi: int = SCAN_DPI) -> tuple[Page, ...]:
    """Two plain pages, one with serifs and one without, on A5 paper."""
    letter = Sheet(148, 210, 15)
    for line in plain_texts.LETTER_HEAD:
        letter.line(line, face(SERIF, points(11)))
    letter.paragraphs(plain_texts.LETTER, face(SERIF, points(11)))
    recipe = _running(f"{plain_texts.RECIPE_TITLE}\n\n{plain_texts.RECIPE}", SANS)
    return letter.page(dpi), recipe.page(dpi)


@functools.cache
def punctuated() -> tuple[Page, ...]:
    """English with the signs of real texts, in two fonts."""
    return tuple(_running(texts.ENGLISH, name).page(SCAN_DPI) for name in (SERIF, SANS))


@functools.cache
def french() -> tuple[Page, ...]:
    """In two fonts."""
    return tuple(_running(texts.FRENCH, name).page(SCAN_DPI) for name in (SERIF, SANS))


@functools.cache
def german() -> tuple[Page, ...]:
    """In two fonts."""
    return tuple(_running(texts.GERMAN, name).page(SCAN_DPI) for name in (SERIF, SANS))


@functools.cache
def chinese() -> tuple[Page, ...]:
    """Two traditional texts, each in two fonts."""
    return tuple(_running(text, name, 12).page(SCAN_DPI) for text in texts.CHINESE for name in (MING, HEI))


@functools.cache
def mixed_chinese() -> tuple[Page, ...]:
    """Chinese with English words, numbers and sentences."""
    return tuple(_running(texts.MIXED_CHINESE, name, 12).page(SCAN_DPI) for name in (MING, HEI))


@functools.cache
def mixed_latin() -> tuple[Page, ...]:
    """English, French and German on one page."""
    return tuple(_running(texts.MIXED_LATIN, name).page(SCAN_DPI) for name in (SERIF, SANS))


@functools.cache
def receipts() -> tuple[Page, ...]:
    """What tills print: in a font as shops have it today, and in a typewriter's."""
    return _receipt(SANS, plain_texts.RECEIPT_ITEMS), _receipt(MONO, _MORE_ITEMS)


@functools.cache
def tables() -> tuple[Page, ...]:
    """One with a border around each cell, one with lines above and below only, and one without any."""
    pages = []
    for lines, rules in ((True, False), (False, True), (False, False)):
        sheet = Sheet(148, 100, 12, leading=1.6)
        sheet.line("Stock on 30 June", face(BOLD, points(13)))
        sheet.rule() if rules else sheet.gap(points(10))
        for row in _TABLE:
            font = face(BOLD if row is _TABLE[0] else SANS, points(10))
            sheet.row(row, (0.52, 0.74, 1.0), font, lines=lines)
        if rules:
            sheet.rule()
        pages.append(sheet.page(SCAN_DPI))
    return tuple(pages)


@functools.cache
def two_columns() -> tuple[Page, ...]:
    """A newsletter; the places of its words are not known."""
    sample = newsletter()
    return (Page(sample.image.convert("L"), sample.text, dpi=150),)


@functools.cache
def screen() -> tuple[Page, ...]:
    """A window of a program: the letters of a screen, 16 pixels high."""
    sheet = Sheet(148, 110, 6, leading=1.5)
    pixel = 600 // 100  # drawn at 600 dots an inch, shown at 100
    sheet.paragraphs(texts.ENGLISH, face(WIDE, 16 * pixel))
    return (sheet.page(100),)


@functools.cache
def words() -> tuple[Page, ...]:
    """Crops of a screenshot with a word or two each, in colours: each text in four looks by lot, and the HARD ones."""
    lots = random.Random(20240229)  # noqa: S311 - it draws looks
    drawn = ((text, _look(lots)) for text in texts.WORDS for _ in range(4))
    return tuple(_crop(text, look) for text, look in (*HARD, *drawn))


def _running(text: str, name: str, size: float = 11) -> Sheet:
    sheet = Sheet(148, 210, 15, leading=1.45)
    sheet.paragraphs(text, face(name, points(size)))
    return sheet


def _receipt(name: str, items: Sequence[tuple[str, str]]) -> Page:
    sheet = Sheet(TILL_WIDTH, 115, 7, leading=1.45)
    font = face(name, points(10))
    shop, *head = plain_texts.RECEIPT_HEAD
    sheet.line(shop, face(BOLD, points(13)), "centre")
    for line in head:
        sheet.line(line, font, "centre")
    sheet.gap(font.size)
    for item in items:
        sheet.row(item, (1.0,), font)
    sheet.gap(font.size)
    for line in plain_texts.RECEIPT_FOOT:
        sheet.line(line, font, "centre")
    return sheet.page(200)


def _look(lots: random.Random) -> Look:
    name, size = lots.choice((SANS, WIDE, BOLD, SERIF)), lots.choice(SCREEN_SIZES)
    colour, paper = lots.choice(SCREEN_COLOURS)
    return name, size, colour, paper, lots.randint(3, 14)


def _crop(text: str, look: Look) -> Page:
    name, height, colour, paper, margin = look
    font = face(name, height)
    left, top, right, bottom = ink(font, text)
    size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
    image = Image.new("RGB", size, paper)
    base = margin - round(top)
    ImageDraw.Draw(image).text((margin - round(left), base), text, colour, font, anchor="ls")
    first, last = (edge - round(left) + margin for edge in edges(font, text))
    word = Word(text, (first, base), (last, base), sum(font.getmetrics()))
    return Page(image, text + "\n", (word,) if " " not in text else ())
