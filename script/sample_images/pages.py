"""The six full pages, each laid out so that its reading order is in no doubt."""

from collections.abc import Iterator

from PIL import Image

from script.sample_images import texts
from script.sample_images.drawing import Sample, Sheet, font, four_bit
from script.sample_images.photo import photograph

A4 = (1240, 1754)  # pixels, at 150 dots an inch
DPI = (150, 150)
PHOTO = (1100, 1460)
RECEIPT = (576, 860)  # what a till printer of 80 mm prints, 203 dots an inch
TABLE_STOPS = (460, 630, 800, 970)
PNG = {"optimize": True, "dpi": DPI}


def pages() -> Iterator[Sample]:
    """Yield the six pages."""
    yield letter()
    yield two_languages()
    yield two_columns()
    yield table()
    yield photo()
    yield receipt()


def letter() -> Sample:
    """Draw one plain column of serif text, as a fax gives it: a 1-bit TIFF."""
    sheet = Sheet(A4, margin=140)
    face = font("LiberationSerif-Regular", 32)
    for line in texts.LETTER_HEAD:
        sheet.line(line, face)
    sheet.gap(face)
    sheet.paragraphs(texts.LETTER, face)
    image = sheet.image.convert("1", dither=Image.Dither.NONE)
    return Sample("page-letter.tif", image, sheet.text, {"compression": "group4", "dpi": DPI})


def two_languages() -> Sample:
    """Draw a notice in English and then in German, whose words Tesseract's English data reads as well."""
    sheet = Sheet(A4, margin=130)
    title, face = font("DejaVuSans-Bold", 40), font("DejaVuSans", 33)
    for heading, notice in (
        (texts.ENGLISH_TITLE, texts.ENGLISH_NOTICE),
        (texts.GERMAN_TITLE, texts.GERMAN_NOTICE),
    ):
        sheet.line(heading, title)
        sheet.gap(title)
        sheet.paragraphs(notice, face)
        sheet.top += 50
    return Sample("page-two-languages.png", four_bit(sheet.image), sheet.text, PNG)


def two_columns() -> Sample:
    """Draw a newsletter: a title over both columns, then the left column, then the right one."""
    sheet = Sheet(A4, margin=90, leading=1.42)
    title, face = font("LiberationSans-Bold", 46), font("LiberationSerif-Regular", 31)
    gutter = 80
    sheet.line(texts.NEWSLETTER_TITLE, title, "centre")
    sheet.gap(title)
    first_line = sheet.top
    sheet.width = (sheet.width - gutter) // 2
    for column in (texts.NEWSLETTER_LEFT, texts.NEWSLETTER_RIGHT):
        sheet.top = first_line
        sheet.paragraphs(column, face)
        sheet.left += sheet.width + gutter
    return Sample("page-two-columns.png", four_bit(sheet.image), sheet.text, PNG)


def table() -> Sample:
    """Draw a report with a ruled table; its text goes row by row, one space between two cells."""
    sheet = Sheet(A4, margin=130)
    title, bold = font("LiberationSans-Bold", 44), font("LiberationSans-Bold", 32)
    face = font("LiberationSans-Regular", 32)
    sheet.line(texts.TABLE_TITLE, title)
    sheet.gap(title)
    sheet.paragraphs(texts.TABLE_INTRODUCTION, face)
    sheet.leading = 1.8
    sheet.rule(3)
    for cells in texts.TABLE:
        sheet.row(cells, TABLE_STOPS, bold if cells is texts.TABLE[0] else face)
    sheet.rule(3)
    sheet.leading = 1.5
    sheet.gap(face)
    sheet.paragraphs(texts.TABLE_REMARK, face)
    return Sample("page-table.png", four_bit(sheet.image), sheet.text, PNG)


def photo() -> Sample:
    """Draw a page photographed by hand: a little crooked, uneven light, noise, JPEG."""
    sheet = Sheet(PHOTO, margin=110)
    title, face = font("LiberationSans-Bold", 46), font("LiberationSerif-Regular", 36)
    sheet.line(texts.RECIPE_TITLE, title)
    sheet.gap(title)
    sheet.paragraphs(texts.RECIPE, face)
    return Sample("page-photo.jpg", photograph(sheet.image), sheet.text, {"quality": 55, "optimize": True})


def receipt() -> Sample:
    """Draw a till receipt: narrow, one item a line."""
    sheet = Sheet(RECEIPT, margin=40, leading=1.5)
    # Not a typewriter face: in DejaVu Sans Mono, Tesseract took the full stops of the prices, one below the
    # other, for the gutter between two columns.
    face, bold = font("LiberationSans-Regular", 28), font("LiberationSans-Bold", 34)
    shop, *head = texts.RECEIPT_HEAD
    sheet.line(shop, bold, "centre")
    for line in head:
        sheet.line(line, face, "centre")
    sheet.gap(face)
    for name, price in texts.RECEIPT_ITEMS:
        sheet.row((name, price), (sheet.width,), face)
    sheet.gap(face)
    for line in texts.RECEIPT_FOOT:
        sheet.line(line, face, "centre")
    return Sample("page-receipt.png", four_bit(sheet.image), sheet.text, PNG)
