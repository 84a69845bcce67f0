"""What words and pages share: fonts, a sample, and a sheet that remembers the text it is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

FONTS = Path("/usr/share/fonts/truetype")
WHITE, BLACK = 255, 0


class MissingFont(Exception):
    """A font file is not there; the text names the Debian package that brings it."""


@dataclass(frozen=True)
class Sample:
    """One image, its file name, its true text, and how Pillow is to save it."""

    file_name: str
    image: Image.Image
    text: str
    save_options: dict[str, Any] = field(default_factory=dict)


def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Load a font by its file name without suffix, ``size`` in pixels.

    Raises MissingFont when its package is not installed.
    """
    dejavu = name.startswith("DejaVu")
    path = FONTS / ("dejavu" if dejavu else "liberation") / f"{name}.ttf"
    if not path.is_file():
        package = "fonts-dejavu-core" if dejavu else "fonts-liberation"
        raise MissingFont(f"{path} is missing: apt-get install {package}")
    # BASIC, because the other layout engine is a library that not every Pillow has.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def four_bit(image: Image.Image) -> Image.Image:
    """Reduce to a palette of 16 greys: the eye and Tesseract see no difference, and the file halves."""
    return image.convert("L").quantize(16, dither=Image.Dither.NONE)


class Sheet:
    """A page of paper, written from top to bottom; ``text`` is what was written, in that order.

    ``left``, ``top`` and ``width`` (pixels) bound the area that text fills; ``top`` moves down as it grows.
    ``leading`` is the distance between two lines, in heights of their font.
    """

    def __init__(self, size: tuple[int, int], margin: int, leading: float = 1.45) -> None:
        self.image = Image.new("L", size, WHITE)
        self.draw = ImageDraw.Draw(self.image)
        self.left = self.top = margin
        self.width = size[0] - 2 * margin
        self.leading = leading
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """All that was written: one line a line, an empty line where a gap is."""
        return "\n".join(self._lines).strip() + "\n"

    def line(self, text: str, face: ImageFont.FreeTypeFont, align: str = "left") -> None:
        """Write one line and go to the next; ``align`` is left, right or centre."""
        room = self.width - face.getlength(text)
        indent = {"left": 0.0, "centre": room / 2, "right": room}[align]
        self.draw.text((round(self.left + indent), self.top), text, font=face, fill=BLACK)
        self._lines.append(text)
        self.top += round(face.size * self.leading)

    def row(self, cells: Sequence[str], stops: Sequence[int], face: ImageFont.FreeTypeFont) -> None:
        """Write one row of a table: the first cell at the left, each other one ending at its stop.

        ``stops`` are pixels from ``left``. The row's text is its cells with one space between them.
        """
        self.draw.text((self.left, self.top), cells[0], font=face, fill=BLACK)
        for cell, stop in zip(cells[1:], stops, strict=True):
            self.draw.text((self.left + stop, self.top), cell, font=face, fill=BLACK, anchor="ra")
        self._lines.append(" ".join(cells))
        self.top += round(face.size * self.leading)

    def paragraphs(self, text: str, face: ImageFont.FreeTypeFont) -> None:
        """Write running text, broken between words where the width ends, with a gap below each paragraph."""
        for paragraph in text.strip().split("\n\n"):
            self._paragraph(paragraph, face)
            self.gap(face)

    def _paragraph(self, text: str, face: ImageFont.FreeTypeFont) -> None:
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if face.getlength(longer) > self.width:
                self.line(line, face)
                longer = word
            line = longer
        self.line(line, face)

    def gap(self, face: ImageFont.FreeTypeFont) -> None:
        """Leave the space between two paragraphs."""
        self._lines.append("")
        self.top += round(face.size * 0.7)

    def rule(self, width: int = 2) -> None:
        """Draw a line across the area, at the place where the next line of text would begin."""
        self.draw.line((self.left, self.top, self.left + self.width, self.top), fill=BLACK, width=width)
        self.top += 12
