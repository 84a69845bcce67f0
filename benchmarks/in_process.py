"""The limit: the OCR server's own `job` in as many processes, the images in memory, with no queue and no network."""

import itertools
import multiprocessing
import threading
import time
from multiprocessing.synchronize import Barrier
from typing import TYPE_CHECKING, Final

from ocr_server import job
from ocr_server.engine import load
from ocr_server.image import pages
from ocr_server.installation import choose
from protocol.bodies import OcrRequest
from settings.schema import Ocr, TesseractLocation

from .images import Sample
from .machine import omp_threads
from .texts import check

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

WARM_UP: Final = 2
"""Images that each process reads before the clock starts: what is loaded at the first one is loaded then."""


SECONDS: Final = 600.0
"""Until processes that do not end are given up."""


def images_per_second(samples: list[Sample], count: int, processes: int, preprocess: str) -> float:
    """Read `count` images, the samples again and again, in so many processes. Raises RuntimeError."""
    context = multiprocessing.get_context("spawn")
    # The clock runs from when all have warmed up until all have read: neither starting nor ending takes part.
    start, end = context.Barrier(processes + 1), context.Barrier(processes + 1)
    numbers = context.Value("i", 0)
    workers = [
        context.Process(target=_work, args=(samples, count, preprocess, start, end, numbers)) for _ in range(processes)
    ]
    try:
        with omp_threads(1):  # as the OCR server's supervisor does
            for worker in workers:
                worker.start()
        start.wait(SECONDS)
        begun = time.perf_counter()
        end.wait(SECONDS)
        seconds = time.perf_counter() - begun
        for worker in workers:
            worker.join()
    except threading.BrokenBarrierError:
        raise RuntimeError("a process of the in-process limit failed; its traceback is above") from None
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a process of the in-process limit failed; its traceback is above")
    return count / seconds


def _work(
    samples: list[Sample], count: int, preprocess: str, start: Barrier, end: Barrier, numbers: "Synchronized[int]"
) -> None:
    try:
        for sample, text in _read(samples, count, preprocess, start, end, numbers):
            check(sample, text)
    except BaseException:
        start.abort()
        end.abort()
        raise


def _read(
    samples: list[Sample], count: int, preprocess: str, start: Barrier, end: Barrier, numbers: "Synchronized[int]"
) -> list[tuple[Sample, str]]:
    settings = Ocr(preprocess=preprocess)
    choice = choose(TesseractLocation(), settings.languages)
    engine = load(choice)

    def read(sample: Sample) -> tuple[Sample, str]:
        request = OcrRequest("limit", sample.name, sample.content, "1")
        answer = job.recognise(request, engine, settings, choice.installed, pages)
        assert not answer.error_code, answer
        return sample, answer.ocr_result

    for sample in itertools.islice(itertools.cycle(samples), WARM_UP):
        read(sample)
    found = []
    start.wait(SECONDS)
    while True:
        with numbers.get_lock():
            number, numbers.value = numbers.value, numbers.value + 1
        if number >= count:
            break
        found.append(read(samples[number % len(samples)]))
    end.wait(SECONDS)
    return found
