"""The limit: the OCR server's own `job` in as many processes, the images in memory, with no queue and no network."""

import itertools
import multiprocessing
import os
import time
from multiprocessing.synchronize import Barrier
from typing import Any

from ocr_server import job
from ocr_server.engine import load
from ocr_server.image import pages
from ocr_server.installation import choose
from protocol.bodies import OcrRequest
from settings.schema import Ocr, TesseractLocation

from .images import Sample

WARM_UP = 2
"""Images that each process reads before the clock starts: what is loaded at the first one is loaded then."""


def images_per_second(samples: list[Sample], count: int, processes: int, preprocess: str) -> float:
    """Read `count` images, the samples again and again, in so many processes."""
    os.environ["OMP_THREAD_LIMIT"] = "1"  # as the OCR server's supervisor does
    context = multiprocessing.get_context("spawn")
    # The clock runs from when all have warmed up until the last has ended.
    start = context.Barrier(processes + 1)
    numbers = context.Value("i", 0)
    workers = [
        context.Process(target=_read, args=(samples, count, preprocess, start, numbers)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - begun
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a process of the in-process limit failed; its traceback is above")
    return count / seconds


def _read(samples: list[Sample], count: int, preprocess: str, start: Barrier, numbers: Any) -> None:
    settings = Ocr(preprocess=preprocess)
    choice = choose(TesseractLocation(), settings.languages)
    engine = load(choice)

    def read(sample: Sample) -> None:
        request = OcrRequest("limit", sample.name, sample.content, "1")
        answer = job.recognise(request, engine, settings, choice.installed, pages)
        assert not answer.error_code, answer

    for sample in itertools.islice(itertools.cycle(samples), WARM_UP):
        read(sample)
    start.wait()
    while True:
        with numbers.get_lock():
            number, numbers.value = numbers.value, numbers.value + 1
        if number >= count:
            return
        read(samples[number % len(samples)])
