"""The table that Tesseract writes (TSV), of several pages and in the image's own coordinates. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from .layout import Layout, pixels
from .projective import Box

HEAD: Final = "level page_num block_num par_num line_num word_num left top width height conf text".replace(" ", "\t")


def tsv(layouts: Sequence[Layout]) -> str:
    """A row for each page, block, paragraph, line and word; numbers count from 1 in what is around them."""
    return "\n".join([HEAD, *_rows(layouts), ""])


def _rows(layouts: Sequence[Layout]) -> Iterator[str]:
    for page, layout in enumerate(layouts, 1):
        yield _row((page,), (0, 0, layout.width, layout.height))
        for block_number, block in enumerate(layout.blocks, 1):
            yield _row((page, block_number), block.box)
            for paragraph_number, paragraph in enumerate(block.paragraphs, 1):
                yield _row((page, block_number, paragraph_number), paragraph.box)
                for line_number, line in enumerate(paragraph.lines, 1):
                    numbers = (page, block_number, paragraph_number, line_number)
                    yield _row(numbers, line.box)
                    for word_number, word in enumerate(line.words, 1):
                        yield _row((*numbers, word_number), word.box, f"{word.confidence:.2f}", word.text)


def _row(numbers: tuple[int, ...], box: Box, confidence: str = "-1", text: str = "") -> str:
    places = (*numbers, *(0 for _ in range(5 - len(numbers))))
    return "\t".join((*map(str, (len(numbers), *places, *pixels(box))), confidence, text))
