"""The usual tutorial: pytesseract on each image, so a process of its own for each, with Tesseract's default threads."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytesseract
from PIL import Image

from .images import Sample


def images_per_second(samples: list[Sample], count: int, at_a_time: int, omp_threads: int | None = None) -> float:
    """Read `count` images, so many at a time. omp_threads: None leaves Tesseract its default."""
    if omp_threads is None:
        os.environ.pop("OMP_THREAD_LIMIT", None)
    else:
        os.environ["OMP_THREAD_LIMIT"] = str(omp_threads)
    with ThreadPoolExecutor(at_a_time) as executor:
        begun = time.perf_counter()
        for _ in executor.map(lambda number: _read(samples[number % len(samples)]), range(count)):
            pass
        return count / (time.perf_counter() - begun)


def _read(sample: Sample) -> str:
    return str(pytesseract.image_to_string(Image.open(io.BytesIO(sample.content))))
