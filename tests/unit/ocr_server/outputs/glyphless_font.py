"""How ocr_server/outputs/glyphless.ttf was made: `python -m tests.unit.ocr_server.outputs.glyphless_font FILE`."""

import io
import sys
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph

from ocr_server.outputs.text_layer import ASCENT, DESCENT, WIDTH

NAME = "GlyphLessFont"


def made() -> bytes:
    """A TrueType font with two empty glyphs, and all tables that a reader may ask for."""
    builder = FontBuilder(1000, isTTF=True)
    builder.font.recalcTimestamp = False
    builder.setupGlyphOrder([".notdef", "empty"])
    builder.setupCharacterMap({0x20: "empty"})
    builder.setupGlyf({".notdef": Glyph(), "empty": Glyph()})
    builder.setupHorizontalMetrics({".notdef": (WIDTH, 0), "empty": (WIDTH, 0)})
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    names = {"familyName": NAME, "styleName": "Regular", "uniqueFontIdentifier": NAME, "fullName": NAME}
    builder.setupNameTable({**names, "psName": NAME, "version": "Version 1.0"}, mac=False)
    builder.setupOS2(sTypoAscender=ASCENT, sTypoDescender=DESCENT, usWinAscent=ASCENT, usWinDescent=-DESCENT)
    builder.setupPost(isFixedPitch=1)
    builder.updateHead(created=0, modified=0)
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(made())
