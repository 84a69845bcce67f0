"""hOCR 1.2: what was read as a page of XHTML (https://kba.github.io/hocr-spec/1.2/). Pure."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final

from .layout import Layout, Line, Paragraph, cleaned, language_tag, pixels
from .projective import Box

_DOCTYPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"'
    ' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
)
_CAPABILITIES: Final = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf ocrp_lang ocrp_dir"


def hocr(layouts: Sequence[Layout], image_name: str, software: str) -> str:
    """The document. Coordinates are the image's own; image_name: as the client called it."""
    html = ET.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "xml:lang": "en", "lang": "en"})
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "title").text = cleaned(image_name)
    ET.SubElement(head, "meta", {"http-equiv": "Content-Type", "content": "text/html; charset=utf-8"})
    ET.SubElement(head, "meta", {"name": "ocr-system", "content": software})
    ET.SubElement(head, "meta", {"name": "ocr-capabilities", "content": _CAPABILITIES})
    body = ET.SubElement(html, "body")
    for number, layout in enumerate(layouts, 1):
        _Page(body, layout, number, image_name)
    ET.indent(html, " ")
    return f"{_DOCTYPE}{ET.tostring(html, 'unicode')}\n"


class _Page:
    """A page's elements below the body; ids count through the page, as Tesseract's own do."""

    def __init__(self, body: ET.Element, layout: Layout, number: int, image_name: str) -> None:
        self._number = number
        self._counts: dict[str, int] = {}
        # There is no way to escape a quotation mark in a title's string.
        image = cleaned(image_name).replace('"', "'").replace("\\", "/")
        title = f'image "{image}"; bbox 0 0 {layout.width} {layout.height}; ppageno {number - 1}'
        page = ET.SubElement(body, "div", {"class": "ocr_page", "id": f"page_{number}", "title": title})
        for block in layout.blocks:
            area = self._add(page, "div", "ocr_carea", "block", _bbox(block.box))
            for paragraph in block.paragraphs:
                self._paragraph(area, paragraph)

    def _add(self, above: ET.Element, tag: str, kind: str, name: str, title: str) -> ET.Element:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return ET.SubElement(above, tag, {"class": kind, "id": f"{name}_{self._number}_{count}", "title": title})

    def _paragraph(self, area: ET.Element, paragraph: Paragraph) -> None:
        element = self._add(area, "p", "ocr_par", "par", _bbox(paragraph.box))
        tag = language_tag(paragraph.language)
        if tag:
            element.set("lang", tag)
        if paragraph.is_rtl:
            element.set("dir", "rtl")
        for line in paragraph.lines:
            row = self._add(element, "span", "ocr_line", "line", _bbox(line.box) + _base_line(line))
            for word in line.words:
                title = f"{_bbox(word.box)}; x_wconf {round(word.confidence)}"
                inner = self._add(row, "span", "ocrx_word", "word", title)
                inner.text = word.text
                if (own := language_tag(word.language)) and own != tag:
                    inner.set("lang", own)
                if word.is_rtl != paragraph.is_rtl:
                    inner.set("dir", "rtl" if word.is_rtl else "ltr")


def _bbox(box: Box) -> str:
    left, top, width, height = pixels(box)
    return f"bbox {left} {top} {left + width} {top + height}"


def _base_line(line: Line) -> str:
    """The base line from the box's lower left corner, of lines that lie; the angle of those that stand."""
    left, top, _, height = pixels(line.box)
    (x0, y0), (x1, y1) = line.start, line.end
    along, across = x1 - x0, y1 - y0
    if along > abs(across):
        slope = across / along
        return f"; baseline {slope:.4f} {y0 + (left - x0) * slope - top - height:.2f}"
    if abs(across) >= abs(along):
        return f"; textangle {90 if across < 0 else 270}"
    return "; textangle 180"
