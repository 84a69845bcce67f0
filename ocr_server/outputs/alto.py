"""ALTO 4.2: texts and where they stand, by the Library of Congress (https://www.loc.gov/standards/alto/). Pure."""

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final

from .layout import Layout, Line, Paragraph, cleaned, has_space_between, language_tag, pixels
from .projective import Box

NAMESPACE: Final = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA: Final = "http://www.loc.gov/standards/alto/v4/alto-4-2.xsd"

Attributes = dict[str, str]


def alto(layouts: Sequence[Layout], image_name: str, software: str) -> str:
    """The document. Coordinates are the image's own, in pixels; confidences (WC) go from 0 to 1."""
    root = ET.Element(
        "alto",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
        },
    )
    description = ET.SubElement(root, "Description")
    ET.SubElement(description, "MeasurementUnit").text = "pixel"
    source = ET.SubElement(description, "sourceImageInformation")
    ET.SubElement(source, "fileName").text = cleaned(image_name)
    processing = ET.SubElement(description, "Processing", {"ID": "processing_1"})
    ET.SubElement(processing, "processingCategory").text = "contentGeneration"
    ET.SubElement(ET.SubElement(processing, "processingSoftware"), "softwareName").text = software
    pages = ET.SubElement(root, "Layout")
    for number, layout in enumerate(layouts, 1):
        _Page(pages, layout, number)
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, "unicode")}\n'


class _Page:
    """A page's elements; ids count through the page."""

    def __init__(self, above: ET.Element, layout: Layout, number: int) -> None:
        self._number = number
        self._counts: dict[str, int] = {}
        size = {"WIDTH": str(layout.width), "HEIGHT": str(layout.height)}
        page = ET.SubElement(above, "Page", {"ID": f"page_{number}", "PHYSICAL_IMG_NR": str(number), **size})
        space = ET.SubElement(page, "PrintSpace", {"HPOS": "0", "VPOS": "0", **size})
        for block in layout.blocks:
            composed = self._add(space, "ComposedBlock", "block", _place(block.box))
            for paragraph in block.paragraphs:
                self._paragraph(composed, paragraph)

    def _add(self, above: ET.Element, tag: str, name: str, attributes: Attributes) -> ET.Element:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return ET.SubElement(above, tag, {"ID": f"{name}_{self._number}_{count}", **attributes})

    def _paragraph(self, above: ET.Element, paragraph: Paragraph) -> None:
        language = language_tag(paragraph.language)
        element = self._add(above, "TextBlock", "par", _place(paragraph.box) | _language(language))
        for line in paragraph.lines:
            self._line(element, line, language)

    def _line(self, above: ET.Element, line: Line, language: str) -> None:
        base = " ".join(f"{round(x)},{round(y)}" for x, y in (line.start, line.end))
        element = self._add(above, "TextLine", "line", _place(line.box) | {"BASELINE": base})
        for word, following in itertools.zip_longest(line.words, line.words[1:]):
            own = language_tag(word.language)
            said = {"CONTENT": word.text, "WC": f"{word.confidence / 100:.2f}"}
            self._add(element, "String", "word", _place(word.box) | said | _language(own if own != language else ""))
            if following and has_space_between(word, following):
                ET.SubElement(element, "SP")


def _place(box: Box) -> Attributes:
    return dict(zip(("HPOS", "VPOS", "WIDTH", "HEIGHT"), map(str, pixels(box)), strict=True))


def _language(tag: str) -> Attributes:
    return {"LANG": tag} if tag else {}
