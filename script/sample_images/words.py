"""Single words in the manner of screenshots: screen sizes, flat colours, little room around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from PIL import Image, ImageDraw

from script.sample_images.drawing import Sample, font


@dataclass(frozen=True)
class Look:
    """How a word is drawn: font file, size and margin in pixels, colours of text and background."""

    font: str = "DejaVuSans"
    size: int = 20
    margin: int = 8
    ink: str = "#202124"
    paper: str = "#ffffff"


# A transparent paper is what a window manager's screenshot of a label gives: its text must be put on white.
WORDS: dict[str, tuple[str, Look]] = {
    "word-a.png": ("a", Look("LiberationSans-Regular", 24)),
    "word-is.png": ("is", Look("DejaVuSans", 20)),
    "word-to.png": ("to", Look("LiberationSerif-Regular", 26, paper="#f5f5f5")),
    "word-the.png": ("the", Look("DejaVuSerif", 18, ink="#3c3c3c", paper="#eeeeee")),
    "word-of.png": ("of", Look("LiberationMono-Regular", 28, paper="#fafafa")),
    "word-ocr.png": ("OCR", Look("DejaVuSans-Bold", 32)),
    "word-hello.png": ("Hello", Look("LiberationSans-Regular", 22)),
    "word-search.png": ("Search", Look("DejaVuSans", 16, ink="#5f6368", paper="#f1f3f4")),
    "word-save.png": ("Save", Look("LiberationSans-Bold", 18, margin=10, ink="#ffffff", paper="#1a73e8")),
    "word-gateway.png": ("gateway", Look("DejaVuSansMono", 14, paper="#fffbe6")),
    "word-settings.png": ("Settings", Look("DejaVuSans", 20, margin=12, ink="#e8eaed", paper="#202124")),
    "word-download.png": ("Download", Look("LiberationSans-Regular", 16, ink="#0b57d0", paper="#ffffff00")),
    "word-receipt.jpg": ("receipt", Look("LiberationSerif-Regular", 40, margin=14, paper="#fdf6e3")),
    "word-window.tif": ("window", Look("LiberationSans-Regular", 36, margin=4, paper="#dfe7ef")),
}
SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {"optimize": True},
    ".jpg": {"quality": 85},
    ".tif": {"compression": "tiff_lzw"},
}


def words() -> Iterator[Sample]:
    """Yield the single words, in the order of the table."""
    for file_name, (text, look) in WORDS.items():
        yield Sample(file_name, _draw(text, look), text + "\n", SAVE_OPTIONS[PurePath(file_name).suffix])


def _draw(text: str, look: Look) -> Image.Image:
    """Draw a word with the same margin on all four sides of its ink."""
    face = font(look.font, look.size)
    left, top, right, bottom = (round(edge) for edge in face.getbbox(text))
    size = (right - left + 2 * look.margin, bottom - top + 2 * look.margin)
    mode = "RGBA" if len(look.paper) == len("#rrggbbaa") else "RGB"
    image = Image.new(mode, size, look.paper)
    ImageDraw.Draw(image).text((look.margin - left, look.margin - top), text, font=face, fill=look.ink)
    return image
