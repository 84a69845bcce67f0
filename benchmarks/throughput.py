"""Words and pages through the whole stack, against the in-process limit and the process-per-image design."""

from . import in_process, machine, stack
from .error_rate import character_errors
from .figures import Figure, Reach
from .images import Sample, pages, words
from .process_per_image import Tutorial
from .scale import Scale

LIMIT, PER_IMAGE, PER_IMAGE_OF_ONE_THREAD = (
    "in-process limit",
    "a process per image",
    "a process per image, OMP_THREAD_LIMIT=1",
)
RAW = "RabbitMQ.body=raw"
"""As for a stack without OCR servers from elsewhere; said in the notes."""


def run(scale: Scale) -> list[Figure]:
    """Pages with both preprocessings, then words."""
    with stack.running() as up:
        return [*_pages(up, scale), *_words(up, scale)]


def _pages(up: stack.Stack, scale: Scale) -> list[Figure]:
    samples, cores = pages(), machine.cores()
    count, few = scale.count(40, len(samples)), scale.count(8, len(samples))
    tutorial, of_one_thread = Tutorial(samples, cores), Tutorial(samples, cores, threads=1)
    errors = dict[str, float]()

    def with_errors(preprocess: str) -> float:
        rate = through(up, samples, count, preprocess)
        errors[preprocess] = character_errors(up.read)
        return rate

    taken = scale.alternating(
        {
            "none": lambda: with_errors("none"),
            LIMIT: lambda: in_process.images_per_second(samples, count, cores, "none"),
            "auto": lambda: with_errors("auto"),
            PER_IMAGE: lambda: tutorial.images_per_second(few),
            PER_IMAGE_OF_ONE_THREAD: lambda: of_one_thread.images_per_second(few),
        }
    )
    plain, prepared = taken["none"], taken["auto"]
    return [
        Figure(
            "pages, Preprocess none", "/s", plain, Reach(0.97), taken[LIMIT], LIMIT, f"{RAW}, {cores} OCR processes"
        ),
        Figure(
            "pages, Preprocess auto",
            "/s",
            prepared,
            Reach(1.10),
            taken[LIMIT],
            LIMIT,
            f"character errors {errors['auto']:.2f} %, with none {errors['none']:.2f} %",
            holds=errors["auto"] <= errors["none"],
        ),
        *_against_tutorial("pages, Preprocess auto", prepared, taken, 8, tutorial),
    ]


def _words(up: stack.Stack, scale: Scale) -> list[Figure]:
    samples, cores = words(), machine.cores()
    count, few = scale.count(4000, len(samples)), scale.count(48, len(samples))
    tutorial, of_one_thread = Tutorial(samples, cores), Tutorial(samples, cores, threads=1)
    taken = scale.alternating(
        {
            "auto": lambda: through(up, samples, count, "auto"),
            LIMIT: lambda: in_process.images_per_second(samples, count, cores, "auto"),
            PER_IMAGE: lambda: tutorial.images_per_second(few),
            PER_IMAGE_OF_ONE_THREAD: lambda: of_one_thread.images_per_second(few),
        }
    )
    through_stack = taken["auto"]
    return [
        Figure("words", "/s", through_stack, Reach(0.70), taken[LIMIT], LIMIT, f"{RAW}, {cores} OCR processes"),
        *_against_tutorial("words", through_stack, taken, 30, tutorial),
    ]


def _against_tutorial(
    what: str, rounds: list[float], taken: dict[str, list[float]], bound: float, tutorial: Tutorial
) -> list[Figure]:
    note = f"a process per image gets {tutorial.error_rate:.0%} of the words wrong"
    return [
        Figure(what, "/s", rounds, Reach(bound), taken[PER_IMAGE], PER_IMAGE, note),
        Figure(what, "/s", rounds, None, taken[PER_IMAGE_OF_ONE_THREAD], PER_IMAGE_OF_ONE_THREAD),
    ]


def through(up: stack.Stack, samples: list[Sample], count: int, preprocess: str, processes: int | None = None) -> float:
    """Images a second through gateway, broker and OCR server. processes: None is one a core."""
    processes = processes or machine.cores()
    with up.reading(f"OCR.preprocess={preprocess}", RAW, processes=processes, gateway_settings=(RAW,)) as gateway:
        up.images_per_second(gateway, samples, min(count, len(samples)))  # warm
        return up.images_per_second(gateway, samples, count)
