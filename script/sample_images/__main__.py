"""Write images/: every sample image and, beside it under the same name, the text that is drawn in it.

    python -m script.sample_images

Needs Pillow and the Debian packages fonts-dejavu-core and fonts-liberation. The same Pillow and fonts give
the same bytes at every run: nothing is random but noise, and its seed is fixed. Nothing in images/ is drawn
by hand: change the text or the drawing here and run this again.
"""

import sys
from pathlib import Path

from script.sample_images.drawing import MissingFont, Sample
from script.sample_images.pages import pages
from script.sample_images.words import words

IMAGES = Path(__file__).resolve().parents[2] / "images"


def write(sample: Sample, folder: Path) -> int:
    """Write one sample and its text, and return the size of the image in bytes."""
    path = folder / sample.file_name
    sample.image.save(path, **sample.save_options)
    path.with_suffix(".txt").write_text(sample.text, encoding="utf-8", newline="\n")
    return path.stat().st_size


def main() -> int:
    """Write them all; exit code 1 when a font is not installed."""
    IMAGES.mkdir(exist_ok=True)
    try:
        samples = [*words(), *pages()]
    except MissingFont as error:
        print(error, file=sys.stderr)
        return 1
    for sample in samples:
        size = write(sample, IMAGES)
        width, height = sample.image.size
        print(f"{sample.file_name:24} {width:5} x {height:4} px {size:7,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
