"""Words and pages through the whole stack, against the in-process limit and the process-per-image design."""

from . import in_process, process_per_image, stack
from .figures import Figure, Reach
from .images import Sample, pages, words
from .scale import Scale

PROCESSES = 2
LIMIT, PER_IMAGE = "in-process limit", "a process per image"


def run(scale: Scale) -> list[Figure]:
    """Pages with both preprocessings, then words."""
    return [*_pages(scale), *_words(scale)]


def _pages(scale: Scale) -> list[Figure]:
    samples, count = pages(), scale.count(40)
    plain, prepared, limit, tutorial = list[float](), list[float](), list[float](), list[float]()
    for _ in range(scale.rounds):
        plain.append(_through_stack(samples, count, "none"))
        limit.append(in_process.images_per_second(samples, count, PROCESSES, "none"))
        prepared.append(_through_stack(samples, count, "auto"))
        tutorial.append(process_per_image.images_per_second(samples, scale.count(4), PROCESSES))
    return [
        Figure("pages, Preprocess none", "/s", plain, Reach(0.97), limit, LIMIT),
        Figure("pages, Preprocess auto", "/s", prepared, Reach(1.10), limit, LIMIT),
        Figure("pages, Preprocess auto", "/s", prepared, Reach(8), tutorial, PER_IMAGE),
    ]


def _words(scale: Scale) -> list[Figure]:
    samples, count = words(), scale.count(4000)
    through, limit, tutorial = list[float](), list[float](), list[float]()
    for _ in range(scale.rounds):
        through.append(_through_stack(samples, count, "auto"))
        limit.append(in_process.images_per_second(samples, count, PROCESSES, "auto"))
        tutorial.append(process_per_image.images_per_second(samples, scale.count(48), PROCESSES))
    return [
        Figure("words", "/s", through, Reach(0.70), limit, LIMIT),
        Figure("words", "/s", through, Reach(30), tutorial, PER_IMAGE),
    ]


def _through_stack(samples: list[Sample], count: int, preprocess: str) -> float:
    with stack.running() as up:
        gateway = up.services.gateway("RabbitMQ.body=raw")
        up.services.ocr_server(f"OCR.preprocess={preprocess}", "RabbitMQ.body=raw", processes=PROCESSES)
        up.images_per_second(gateway, samples, min(count, 4 * len(samples)))  # warm
        return up.images_per_second(gateway, samples, count)
