"""A storm: clients send images while a schedule kills whatever they depend on. Nothing may be lost."""

import contextlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.running import wait_until
from tests.storm.clients import IMAGE_SECONDS, Count, StormClient, count
from tests.storm.report import table
from tests.storm.schedule import Kind, pause_of_an_image, schedule
from tests.storm.stack import OCR_SERVERS, PROCESSES, Stack, Tell

PROGRESS_EVERY = 5.0


@dataclass(frozen=True)
class Result:
    """What a storm has shown. complaints: sentences; none of a storm that nothing was lost in."""

    count: Count
    faults: list[tuple[Kind, float]]
    complaints: list[str]
    table: list[str]


def run(images: int, seed: int, clients: int, broker_image: str | None, folder: Path, tell: Tell) -> Result:
    """One storm, with all that it writes in `folder`, which is there and empty. tell: hears what happens."""
    faults = schedule(seed, images)
    stack = Stack(folder, broker_image, pause_of_an_image(faults, images, OCR_SERVERS * PROCESSES), tell)
    with stack:
        shares = [images // clients + (number < images % clients) for number in range(clients)]
        programs = [StormClient(stack.front.port, number + 1, share) for number, share in enumerate(shares)]
        tell(f"{images} images of {clients} clients, {len(faults)} faults in {faults[-1].at:.0f} s (seed {seed})")
        begun = time.monotonic()
        for program in programs:
            program.start()
        done: list[tuple[Kind, float]] = []
        ended = threading.Event()
        progress = threading.Thread(target=_tell_progress, args=(programs, ended, tell), daemon=True)
        progress.start()
        try:
            for fault in faults:
                time.sleep(max(0.0, begun + fault.at - time.monotonic()))
                at = time.monotonic()
                if stack.inflict(fault):
                    done.append((fault.kind, at))
            stack.heal()
            tell("all is up again")
            _wait_for(programs)
        finally:
            ended.set()
            progress.join()
            for program in programs:
                program.abort()
        tell(f"all clients have ended, {time.monotonic() - begun:.0f} s after the beginning")
        stack.check()
    found = count(programs)
    answers = [one.at for program in programs for one in program.answered]
    lines = table(found, done, answers)
    return Result(found, done, [*found.complaints, *stack.complaints], lines)


def _wait_for(programs: list[StormClient]) -> None:
    with contextlib.suppress(TimeoutError):  # the count tells what is lost
        wait_until(lambda: all(one.is_done for one in programs), "all clients have ended", IMAGE_SECONDS + 20)


def _tell_progress(programs: list[StormClient], ended: threading.Event, tell: Tell) -> None:
    images = sum(len(one.images) for one in programs)
    while not ended.wait(PROGRESS_EVERY):
        tell(f"answered: {sum(len(one.answered) for one in programs)} of {images}")
