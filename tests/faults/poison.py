"""Images that the engine of the tests' own (engine/tesserocr.py) is bad to: it knows them by their size."""

import io
import os
from enum import IntEnum
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[2]  # not from tests.running: an OCR server loads this module, and no test's
HEIGHT = 240


class Poison(IntEnum):
    """What the engine does; the value is the image's width."""

    SEGFAULTS = 661
    HANGS = 662
    EATS_MEMORY = 663
    HANGS_WITH_LOCK = 664  # Python's: no other thread of the process does anything either


def poison(kind: Poison) -> bytes:
    """An image of that kind, which any other engine reads."""
    image = Image.new("L", (kind, HEIGHT), 255)
    ImageDraw.Draw(image).text((30, 90), kind.name, fill=0, font=ImageFont.load_default(size=40))
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def bad_engine(pause: float = 0.0) -> dict[str, str]:
    """The environment of an OCR server with that engine. pause: seconds more that each image takes."""
    engine = Path(__file__).with_name("engine")
    return {"PYTHONPATH": f"{engine}{os.pathsep}{ROOT}", "FAULTS_ENGINE_PAUSE": str(pause)}
