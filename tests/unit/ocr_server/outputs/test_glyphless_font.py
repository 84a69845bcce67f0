"""The font in the package."""

from pathlib import Path

import ocr_server.outputs
from tests.unit.ocr_server.outputs.glyphless_font import made


def test_the_font_is_what_its_recipe_makes() -> None:
    assert (Path(ocr_server.outputs.__file__).parent / "glyphless.ttf").read_bytes() == made()
