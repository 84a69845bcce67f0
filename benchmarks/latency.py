"""What an idle stack adds to the engine's time: one small image at a time, from sending it to having its text.

Round trip less `ElapsedMs`, the engine's time as the answer gives it. Everything is as by default: quorum queues, which
confirm what is on disk. So the disk's part is measured too.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Final

from client import OcrClient
from protocol.messages_v2 import Progress, Success

from . import machine, stack
from .figures import Figure, Reach, percentile
from .images import Sample, words
from .raw_client import RawClient
from .scale import Scale
from .texts import check

NAME: Final = "word-hello.png"
COUNT, WARM_UP, SYNCS = 500, 50, 200
PAUSE: Final = 0.01
"""Seconds between two images: the broker is done with the last one, and no process has gone to sleep for long."""

_BLOCK: Final = b"x" * 1000  # about what the broker writes for a small image


def run(scale: Scale) -> list[Figure]:
    """Our client's times, those of the least client there can be, and the disk's."""
    (sample,) = (one for one in words() if one.name == NAME)
    count, warm_up = scale.count(COUNT), WARM_UP if not scale.is_quick else 5
    library, bare, pending, disk = list[list[float]](), list[list[float]](), list[list[float]](), list[list[float]]()
    with stack.running() as up, up.reading(processes=machine.cores()) as gateway:
        for _ in range(scale.rounds):
            library.append(_library(gateway.port, sample, count + warm_up)[warm_up:])
            both = _bare_socket(gateway.port, sample, count + warm_up)[warm_up:]
            pending.append([one for one, _ in both])
            bare.append([one for _, one in both])
            disk.append(_syncs(up.folder, min(count, SYNCS)))
    note = f"{NAME}, {count} a round, one at a time, {1000 * PAUSE:g} ms apart; quorum queues"
    of_disk = "what a quorum queue waits for before it confirms; each image and each answer does so once"
    reach = Reach(3, is_most=True), Reach(10, is_most=True)
    return [
        *_figures("added latency, idle stack", library, note, reach),
        *_figures("added latency, idle stack, with a bare socket for a client", bare),
        *_figures("of that until PENDING, which is the broker's confirm", pending),
        *_figures("fsync of the temporary folder", disk, of_disk),
    ]


def _figures(
    name: str, rounds: list[list[float]], note: str = "", reach: tuple[Reach | None, Reach | None] = (None, None)
) -> list[Figure]:
    return [
        Figure(f"{name}, p{percent}", "ms", [1000 * percentile(one, percent) for one in rounds], bound, note=why)
        for percent, bound, why in zip((50, 99), reach, (note, ""), strict=True)
    ]


def _library(port: int, sample: Sample, count: int) -> list[float]:
    """Seconds that each image took beyond the engine's time, with our client library."""
    added = []
    with OcrClient(f"ws://127.0.0.1:{port}") as client:
        for _ in range(count):
            time.sleep(PAUSE)
            begun = time.perf_counter()
            answer = client.recognize(sample.content, name=sample.name)
            seconds = time.perf_counter() - begun
            check(sample, answer.text)
            assert answer.elapsed_ms is not None
            added.append(seconds - answer.elapsed_ms / 1000)
    return added


def _bare_socket(port: int, sample: Sample, count: int) -> list[tuple[float, float]]:
    """Seconds until PENDING (or until the answer, where that was faster), and seconds beyond the engine's time."""
    times = []
    with RawClient(port) as client:
        for _ in range(count):
            time.sleep(PAUSE)
            begun = time.perf_counter()
            client.send(sample)
            pending = None
            while isinstance(answer := client.hear(), Progress):
                pending = pending or time.perf_counter() - begun
            seconds = time.perf_counter() - begun
            assert isinstance(answer, Success), answer
            assert answer.elapsed_ms is not None
            check(sample, answer.ocr_result)
            client.received(answer.request_id)
            times.append((pending or seconds, seconds - answer.elapsed_ms / 1000))
    return times


def _syncs(folder: Path, count: int) -> list[float]:
    """Seconds that each fsync takes of what was just written there."""
    found = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(count):
            time.sleep(PAUSE)
            file.write(_BLOCK)
            begun = time.perf_counter()
            os.fsync(file.fileno())
            found.append(time.perf_counter() - begun)
    return found
