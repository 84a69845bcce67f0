"""The usual tutorial: pytesseract on each image, so a process of its own for each, with Tesseract's default threads."""

import io
import time
from concurrent.futures import ThreadPoolExecutor

import pytesseract
from PIL import Image

from .images import Sample
from .machine import omp_threads
from .texts import error_rate


class Tutorial:
    """Reads images so. at_a_time: as many as there are cores is fair. threads: None leaves Tesseract its default.

    error_rate: of the last run, for the note: Tesseract as it is reads no crop of a short word, and is not made to.
    """

    def __init__(self, samples: list[Sample], at_a_time: int, threads: int | None = None) -> None:
        self._samples = samples
        self._at_a_time = at_a_time
        self._threads = threads
        self.error_rate = 0.0

    def images_per_second(self, count: int) -> float:
        """Read `count` images, the samples again and again."""
        images = [self._samples[number % len(self._samples)] for number in range(count)]
        with omp_threads(self._threads), ThreadPoolExecutor(self._at_a_time) as executor:
            begun = time.perf_counter()
            texts = list(executor.map(_read, images))
            seconds = time.perf_counter() - begun
        self.error_rate = error_rate(zip(images, texts, strict=True))
        return count / seconds


def _read(sample: Sample) -> str:
    return str(pytesseract.image_to_string(Image.open(io.BytesIO(sample.content))))
