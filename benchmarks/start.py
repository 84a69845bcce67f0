"""From `python -m ocr_server` to its first answer: an image waits in the queue, and the broker is up."""

import time
from typing import Final

from tests.contract.foreign_peers import ForeignGateway

from . import stack
from .figures import Figure, Reach
from .images import Sample, words
from .scale import Scale

PROCESSES: Final = (1, 2, 4)
MEASURED: Final = 2
"""OCR processes for which there is something to reach; the others show whether a start stays bounded."""

SECONDS: Final = 1.5


def run(scale: Scale) -> list[Figure]:
    """One row for each number of OCR processes."""
    with stack.running() as up:
        up.services.ocr_server().stop()  # declares the queues, and warms the disk's cache
        rounds = [[_seconds(up, processes, words()[1]) for processes in PROCESSES] for _ in range(scale.rounds)]
    return [
        Figure(
            f"start to first answer, {processes} OCR process{'es' if processes > 1 else ''}",
            "s",
            taken,
            Reach(SECONDS, is_most=True) if processes == MEASURED else None,
        )
        for processes, taken in zip(PROCESSES, map(list, zip(*rounds, strict=True)), strict=True)
    ]


def _seconds(up: stack.Stack, processes: int, sample: Sample) -> float:
    """Start an OCR server, and stop it once the image that waited for it has been answered."""
    with ForeignGateway(up.broker.port) as gateway:
        gateway.send(sample.name, sample.content)
        begun = time.perf_counter()
        server = up.services.ocr_server(processes=processes, ready=False)
        answer = gateway.take_answer().message()
        seconds = time.perf_counter() - begun
    assert answer["OcrResult"] == sample.text, answer
    server.wait_for_output("listening", times=processes)
    server.stop()
    return seconds
