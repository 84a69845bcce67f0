"""Searchable PDF: each page's picture as it came, its words invisible in their places. The only user of pikepdf."""

import io
import math
from collections.abc import Sequence
from importlib import resources
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from .layout import Layout
from .picture import Picture
from .projective import Point, Projective
from .text_layer import ASCENT, DESCENT, WIDTH, Codes, text_operators

POINTS: Final = 72.0
"""To an inch."""

ASSUMED_DPI: Final = 96.0
LONGEST_ASSUMED: Final = 842.0
"""Points, an A4 page's height: what tells no resolution is shown at ASSUMED_DPI, but no larger than this."""

LONGEST, SHORTEST = 14_400.0, 3.0  # points (ISO 32000-1, annex C.2)

_COLOURS: Final = {1: Name.DeviceGray, 3: Name.DeviceRGB, 4: Name.DeviceCMYK}


def pdf(pages: Sequence[tuple[Layout, Projective, Picture]]) -> bytes:
    """The document: layouts in the picture's pixels, and how the engine's image lies in the picture's.

    A page that the engine saw turned is shown turned (Rotate), its picture untouched. Same pages, same bytes.
    """
    document, codes = Pdf.new(), Codes()
    font = document.make_indirect(Dictionary())  # its table of characters is complete after the last page
    for layout, to_picture, picture in pages:
        document.pages.append(_page(document, layout, to_picture, picture, codes, font))
    for key, value in _font(document, codes).items():
        font[key] = value
    file = io.BytesIO()
    document.save(file, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return file.getvalue()


def _page(
    document: Pdf, layout: Layout, to_picture: Projective, picture: Picture, codes: Codes, font: pikepdf.Object
) -> pikepdf.Page:
    across, down = _points_per_pixel(picture)
    width, height = picture.width * across, picture.height * down
    # Pixels to points, y upwards. What EXIF calls mirrored is mirrored back: Rotate could not.
    to_page = Projective(across, 0, 0, 0, -down, height)
    if to_picture.mirrors:
        to_page = to_page.then(Projective(a=-1, c=width))
    drawn = Projective(1 / picture.width, 0, 0, 0, -1 / picture.height, 1).inverse().then(to_page)
    matrix = " ".join(f"{round(one, 3):g}" for one in (drawn.a, drawn.d, drawn.b, drawn.e, drawn.c, drawn.f))
    content = f"q {matrix} cm /P Do Q\n{text_operators(layout, to_page, codes)}"
    page = Dictionary(
        Type=Name.Page,
        MediaBox=[0, 0, round(width, 3), round(height, 3)],
        Resources=Dictionary(XObject=Dictionary(P=_image(document, picture)), Font=Dictionary(F=font)),
        Contents=Stream(document, content.encode("ascii")),
    )
    middle = to_picture.inverse().of((picture.width / 2, picture.height / 2))
    if turn := _turn(to_picture.then(to_page).of_vector((1, 0), middle)):
        page.Rotate = turn
    return pikepdf.Page(document.make_indirect(page))


def _turn(level: Point) -> int:
    """Degrees, clockwise, by which the page is turned so that what the engine saw as level is level."""
    x, y = level
    return round(math.degrees(math.atan2(y, x)) / 90) * 90 % 360


def _points_per_pixel(picture: Picture) -> tuple[float, float]:
    if picture.dpi:
        across, down = POINTS / picture.dpi[0], POINTS / picture.dpi[1]
    else:
        across = down = min(POINTS / ASSUMED_DPI, LONGEST_ASSUMED / max(picture.width, picture.height))
    sides = picture.width * across, picture.height * down
    scale = min(1.0, LONGEST / max(sides)) if max(sides) > LONGEST else max(1.0, SHORTEST / min(sides))
    return across * scale, down * scale


def _image(document: Pdf, picture: Picture) -> Stream:
    colours = _COLOURS[picture.channels]
    image = Stream(
        document,
        picture.stream,
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=picture.width,
        Height=picture.height,
        BitsPerComponent=picture.bits,
        ColorSpace=colours,
    )
    if picture.palette:
        last = len(picture.palette) // 3 - 1
        image.ColorSpace = Array([Name.Indexed, Name.DeviceRGB, last, pikepdf.String(picture.palette)])
    match picture.codec:
        case "jpeg":
            image.Filter = Name.DCTDecode
            if picture.channels == 4:
                image.Decode = Array([1, 0] * 4)  # as Adobe writes them, and everybody since
        case "g4":
            image.Filter = Name.CCITTFaxDecode
            image.DecodeParms = Dictionary(K=-1, Columns=picture.width, Rows=picture.height, BlackIs1=True)
        case _:
            image.Filter = Name.FlateDecode
            image.DecodeParms = Dictionary(
                Predictor=15, Colors=picture.channels, BitsPerComponent=picture.bits, Columns=picture.width
            )
    if picture.mask:
        image.SMask = _image(document, picture.mask)
    return document.make_indirect(image)


def _font(document: Pdf, codes: Codes) -> Dictionary:
    """A font whose one glyph is empty: what is embedded can be copied anywhere (ISO 32000-1, 9.7)."""
    program = (resources.files(__package__) / "glyphless.ttf").read_bytes()
    name = Name("/GlyphLessFont")
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=name,
        Flags=5,  # every character as wide, no standard encoding
        FontBBox=[0, DESCENT, WIDTH, ASCENT],
        ItalicAngle=0,
        Ascent=ASCENT,
        Descent=DESCENT,
        CapHeight=ASCENT,
        StemV=80,
        FontFile2=Stream(document, program, Length1=len(program)),
    )
    glyphs = b"\0\1" * (len(codes.numbers) + 1)  # all have glyph 1: some readers take 0 for "missing"
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=name,
        CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
        FontDescriptor=document.make_indirect(descriptor),
        DW=WIDTH,
        CIDToGIDMap=Stream(document, glyphs),
    )
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.Type0,
        BaseFont=name,
        Encoding=Name("/Identity-H"),
        DescendantFonts=[document.make_indirect(descendant)],
        ToUnicode=Stream(document, codes.to_unicode().encode("ascii")),
    )
