"""Many images through one stack: whether each takes as long as the first ones, and whether any process grows.

The connections last as long as the run, and no OCR process is replaced meanwhile. script/endurance is the test beside
it: a new connection for every two images, and open files and queues are counted, too.
"""

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

MOST: Final = Reach(1.1, is_most=True)
ASK_EVERY: Final = 0.1
OCR_SETTINGS: Final = (RAW, "ProcessPool.images_per_process=1000000")


def run(scale: Scale) -> list[Figure]:
    """Once, whatever the rounds: it takes long. Each row is the end against the end of the first tenth."""
    count, samples = scale.count(IMAGES), words()
    tenth = max(1, count // 10)
    with stack.running() as up:
        gateway = up.services.gateway(RAW)
        server = up.services.ocr_server(*OCR_SETTINGS, processes=machine.cores())
        reading = up.start_client(gateway, samples, count + AFTERWARDS)
        processes = {"gateway": gateway.process.pid, "OCR server": server.process.pid}
        processes |= {f"OCR process {number}": pid for number, pid in enumerate(sorted(ocr_processes(server)), 1)}
        processes["client"] = reading.client.process.pid
        first = _memory_after(tenth, gateway, reading.client, processes)
        last = _memory_after(count, gateway, reading.client, processes)
        times = reading.answered()
    before, after = times[tenth - 1] / tenth, (times[count - 1] - times[count - 1 - tenth]) / tenth
    what, then = f"{count:,} images", "the first tenth"
    return [
        Figure(f"{what}: time per image, last tenth", "ms", [1000 * after], MOST, [1000 * before], then),
        *(
            Figure(f"{what}: memory, {name}", "MiB", [last[name]], MOST, [first[name]], f"after {then}")
            for name in processes
        ),
    ]


def _memory_after(count: int, gateway: Gateway, client: Service, processes: Mapping[str, int]) -> dict[str, float]:
    """Resident MiB of each, once so many images are answered."""
    until = time.monotonic() + stack.RUN_SECONDS
    while gateway.answered() < count:
        if client.process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{count} images are not answered; the client printed:\n{client.output()[-5000:]}")
        time.sleep(ASK_EVERY)
    return {name: memory_of(pid) / 2**20 for name, pid in processes.items()}
