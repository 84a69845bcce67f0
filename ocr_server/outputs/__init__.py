"""What a client can get beside the text, all of it from one recognition: words, TSV, hOCR, ALTO, searchable PDF.

Coordinates are pixels from the upper left corner of the image as it is stored in the file: not turned by EXIF.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

from .alto import alto
from .hocr import hocr
from .layout import Layout
from .picture import Picture
from .projective import Projective
from .tsv import tsv
from .words import words

SOFTWARE: Final = "Tesseract, by Online OCR"


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A page that was read: its layout as the engine saw it, and how that lies in the page as it was stored.

    width, height: of the stored page, in pixels. picture: for PDF only.
    """

    layout: Layout
    to_stored: Projective
    width: int
    height: int
    picture: Picture | None = None

    def stored(self) -> Layout:
        """The layout in the coordinates of the stored page."""
        return self.layout.through(self.to_stored, self.width, self.height)


def make(names: Sequence[str], sheets: Sequence[Sheet], image_name: str) -> dict[str, Any]:
    """The outputs with these names, each by its name. image_name: as the client called it."""
    layouts = [sheet.stored() for sheet in sheets]
    makers: dict[str, Callable[[], Any]] = {
        "words": lambda: words(layouts),
        "tsv": lambda: tsv(layouts),
        "hocr": lambda: hocr(layouts, image_name, SOFTWARE),
        "alto": lambda: alto(layouts, image_name, SOFTWARE),
        "pdf": lambda: _pdf(layouts, sheets),
    }
    return {name: makers[name]() for name in names}


def _pdf(layouts: Sequence[Layout], sheets: Sequence[Sheet]) -> bytes:
    from .pdf import pdf  # loading pikepdf takes 0.2 s and 17 MB, which only those pay who ask for it

    pictured = [
        (layout, sheet.to_stored, sheet.picture) for layout, sheet in zip(layouts, sheets, strict=True) if sheet.picture
    ]
    return pdf(pictured)
