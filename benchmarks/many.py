"""Many images through one stack: whether each takes as long as the first ones, and whether any process grows.

The connections last as long as the run, and no OCR process is replaced meanwhile. script/endurance is the test beside
it: a new connection for every two images, and open files and queues are counted, too.
"""

import dataclasses
import time
from collections.abc import Mapping
from typing import Final

from tests.endurance.samples import memory_of
from tests.running import Gateway, Service, ocr_processes

from . import machine, stack
from .figures import Figure, Reach
from .images import words
from .scale import Scale
from .throughput import RAW

IMAGES: Final = 20_000
AFTERWARDS: Final = 300
"""Images beyond those, so that the client still runs when its memory is looked at."""

BROKER: Final = "broker"
WHY_BROKER: Final = "RabbitMQ has up to 512 MiB of its quorum queues' log in memory before it starts the next file"
WHY_CPU: Final = "of client, gateway and OCR server; what else the machine does counts for less than in the time"
LOOKS: Final = (0.01, 0.11, 0.9, 1.0)
"""Parts of the images after which the stack is looked at: before the first the programs are still starting."""

MOST: Final = Reach(1.1, is_most=True)
ASK_EVERY: Final = 0.1
OCR_SETTINGS: Final = (RAW, "ProcessPool.images_per_process=1000000")


@dataclasses.dataclass(frozen=True)
class Look:
    """At the stack, after so many answers. memory: resident MiB by process. cpu: seconds of all but the broker's."""

    answered: int
    memory: Mapping[str, float]
    cpu: float


def run(scale: Scale) -> list[Figure]:
    """Once, whatever the rounds: it takes long. Each row is the end against the beginning."""
    count, samples = scale.count(IMAGES), words()
    with stack.running() as up:
        gateway = up.services.gateway(RAW)
        server = up.services.ocr_server(*OCR_SETTINGS, processes=machine.cores())
        reading = up.start_client(gateway, samples, count + AFTERWARDS)
        processes = {"gateway": gateway.process.pid, "OCR server": server.process.pid}
        processes |= {f"OCR process {number}": pid for number, pid in enumerate(sorted(ocr_processes(server)), 1)}
        processes |= {"client": reading.client.process.pid, BROKER: up.broker.pid}
        looks = [_look(round(part * count), gateway, reading.client, processes) for part in LOOKS]
        times = reading.answered()
    tenth = max(1, count // 10)
    before, after = times[tenth - 1] / tenth, (times[count - 1] - times[count - 1 - tenth]) / tenth
    what, then = f"{count:,} images", "first tenth"
    return [
        Figure(f"{what}: time per image, last tenth", "ms", [1000 * after], MOST, [1000 * before], then),
        Figure(
            f"{what}: CPU time per image, last tenth", "ms", [_cpu(*looks[2:])], None, [_cpu(*looks[:2])], then, WHY_CPU
        ),
        *(
            Figure(
                f"{what}: memory, {name}",
                "MiB",
                [looks[3].memory[name]],
                None if name == BROKER else MOST,
                [looks[1].memory[name]],
                f"after the {then}",
                WHY_BROKER if name == BROKER else "",
            )
            for name in processes
        ),
    ]


def _cpu(begin: Look, end: Look) -> float:
    """Milliseconds an image between the two."""
    return 1000 * (end.cpu - begin.cpu) / max(1, end.answered - begin.answered)


def _look(count: int, gateway: Gateway, client: Service, processes: Mapping[str, int]) -> Look:
    """Wait until so many images are answered."""
    until = time.monotonic() + stack.RUN_SECONDS
    while (answered := gateway.answered()) < count:
        if client.process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{count} images are not answered; the client printed:\n{client.output()[-5000:]}")
        time.sleep(ASK_EVERY)
    cpu = sum(stack.cpu_seconds(pid) for name, pid in processes.items() if name != BROKER)
    return Look(answered, {name: memory_of(pid) / 2**20 for name, pid in processes.items()}, cpu)
