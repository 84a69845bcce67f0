"""The files that a result can be saved as: what each is called, and what is in it. Pure."""

import dataclasses
import json
from typing import Any, Final

from .events import Recognition


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. output: its name among the wire's Outputs; None for the text, which comes unasked."""

    name: str
    suffix: str
    output: str | None

    def content(self, read: Recognition) -> bytes | None:
        """What goes into the file; None when the gateway did not send it, or sent something else in its place."""
        if self.output is None:
            return read.text.encode()
        sent = read.outputs.get(self.output)
        if self.output == "pdf":
            return sent if isinstance(sent, bytes) else None
        if self.output == "words":
            return _json(sent) if isinstance(sent, list) else None
        return sent.encode() if isinstance(sent, str) else None


TXT: Final = Format("txt", ".txt", None)

FORMATS: Final = {
    one.name: one
    for one in (
        TXT,
        Format("pdf", ".pdf", "pdf"),
        Format("json", ".json", "words"),
        Format("tsv", ".tsv", "tsv"),
        # As Tesseract, OCRmyPDF and hocr-tools name it: what takes hOCR looks for this.
        Format("hocr", ".hocr", "hocr"),
        Format("alto", ".alto.xml", "alto"),  # .xml for editors and browsers; alone it would say nothing
    )
}
"""By the name that --formats has for it."""


def _json(words: list[Any]) -> bytes | None:
    """A word a line, so that also people can look for one."""
    try:
        lines = [json.dumps(word, ensure_ascii=False) for word in words]
        return ("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n").encode()
    except (TypeError, ValueError, RecursionError):  # an OCR server from elsewhere, and something that is no JSON
        return None
