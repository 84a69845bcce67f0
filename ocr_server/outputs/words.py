"""Words as JSON: `[{"Text", "Confidence", "Box", "Line", "Block", "Page"}]` in reading order. Pure."""

from collections.abc import Sequence
from typing import Any

from .layout import Layout, pixels


def words(layouts: Sequence[Layout]) -> list[dict[str, Any]]:
    """Every page's words. Box: left, top, right, bottom in pixels. Blocks and lines are counted from 1 in each page."""
    return [
        {
            "Text": word.text,
            "Confidence": round(word.confidence, 1),
            "Box": [left, top, left + width, top + height],
            "Line": line_number,
            "Block": block_number,
            "Page": page_number,
        }
        for page_number, layout in enumerate(layouts, 1)
        for line_number, (block_number, line) in enumerate(layout.numbered_lines(), 1)
        for word in line.words
        for left, top, width, height in [pixels(word.box)]
    ]
