"""What is read: 12 word screenshots; 4 pages, two of them A4 scans of 300 dots an inch. All with their true text."""

import dataclasses
import io
import random
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter

SAMPLES = Path(__file__).resolve().parent.parent / "images"
WORDS = (
    *("word-a.png", "word-download.png", "word-gateway.png", "word-hello.png", "word-is.png", "word-ocr.png"),
    *("word-of.png", "word-save.png", "word-search.png", "word-settings.png", "word-the.png", "word-to.png"),
)
PAGES = ("page-photo.jpg", "page-table.png")
SCANS = ("page-letter.tif", "page-two-columns.png")  # drawn at 150 dots an inch; scanned at twice that here

_SEED, _NOISE, _BLUR = 20240229, 10, 0.8


@dataclasses.dataclass(frozen=True)
class Sample:
    """An image file and the text that is in it."""

    name: str
    content: bytes = dataclasses.field(repr=False)
    text: str


def words() -> list[Sample]:
    """The screenshots of a word each."""
    return [_sample(name) for name in WORDS]


def pages() -> list[Sample]:
    """Two pages as they are, and two as a scanner gives them."""
    return [*map(_sample, PAGES), *map(_scan, SCANS)]


def _sample(name: str) -> Sample:
    path = SAMPLES / name
    return Sample(name, path.read_bytes(), path.with_suffix(".txt").read_text("utf-8"))


def _scan(name: str) -> Sample:
    """The sample scanned at 300 dots an inch: soft edges, grain, in colour, as JPEG."""
    path = SAMPLES / name
    with Image.open(path) as drawn:
        size = (2 * drawn.width, 2 * drawn.height)
        large = drawn.convert("L").resize(size, Image.Resampling.LANCZOS)
    grain = Image.frombytes("L", size, random.Random(_SEED).randbytes(size[0] * size[1]))  # noqa: S311 - it draws grain
    grain = grain.point([level * 2 * _NOISE // 255 for level in range(256)])
    scanned = ImageChops.subtract(large.filter(ImageFilter.GaussianBlur(_BLUR)), grain)
    file = io.BytesIO()
    scanned.convert("RGB").save(file, "JPEG", quality=85, dpi=(300, 300))
    return Sample(f"scan-{path.stem}.jpg", file.getvalue(), path.with_suffix(".txt").read_text("utf-8"))


def write_many(samples: list[Sample], count: int, folder: Path) -> None:
    """Put `count` image files into a folder, the samples again and again, in the order of their names."""
    folder.mkdir(parents=True)
    for number in range(count):
        sample = samples[number % len(samples)]
        (folder / name_of(number, sample)).write_bytes(sample.content)


def name_of(number: int, sample: Sample) -> str:
    """The name of the file number `number` of `write_many`."""
    return f"{number:06}-{sample.name}"
