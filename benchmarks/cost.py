"""What one image costs each process in processor time, and the broker in bytes on disk: what a deployment is sized by.

Words go as fast as they can, so that what can be done for several images at once is. On a machine that has other work
fewer are there at once, and each costs more: run it on a quiet one.
"""

import resource
from pathlib import Path

from . import machine, stack
from .figures import Figure
from .images import Sample, pages, words
from .scale import Scale
from .throughput import RAW

WORDS, PAGES, WARM_UP = 2000, 24, 24


def run(scale: Scale) -> list[Figure]:
    """A word and a page, in each process and at the broker."""
    with stack.running() as up:
        gateway = up.services.gateway(RAW)
        server = up.services.ocr_server(RAW, processes=machine.cores())

        def used() -> dict[str, float]:
            return {
                "OCR server": 1000 * stack.cpu_seconds_of_all(server),
                "broker": 1000 * stack.cpu_seconds(up.broker.pid),
                "gateway": 1000 * stack.cpu_seconds(gateway.process.pid),
                "client": 1000 * _of_ended_children(),
                "broker's disk": _written(up.broker.pid) / 1000,
            }

        def taken_by(samples: list[Sample], count: int) -> dict[str, float]:
            before = used()
            up.images_per_second(gateway, samples, count)
            return {name: after - before[name] for name, after in used().items()}

        def each(samples: list[Sample], count: int) -> dict[str, float]:
            one, all_of_them = taken_by(samples[:1], 1), taken_by(samples, count)
            all_of_them["client"] = max(0.0, all_of_them["client"] - one["client"])  # which is little but its start
            return {name: taken / count for name, taken in all_of_them.items()}

        figures = []
        for what, samples, full in (("word", words(), WORDS), ("page", pages(), PAGES)):
            taken_by(samples, scale.count(WARM_UP, len(samples)))
            rounds = [each(samples, scale.count(full, len(samples))) for _ in range(scale.rounds)]
            size = sum(len(one.content) for one in samples) / len(samples) / 1000
            figures += [
                Figure(
                    f"a {what} costs the {name}",
                    "KB written" if name == "broker's disk" else "ms of CPU",
                    [one[name] for one in rounds],
                    note=f"image files of {size:.3g} KB on average" if name == "broker's disk" else "",
                )
                for name in rounds[0]
            ]
        return figures


def _of_ended_children() -> float:
    """Processor seconds of the processes that were started here and have ended: of those in between, the client."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _written(pid: int) -> int:
    """Bytes that a process has caused to be written to disk (proc(5), io)."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("write_bytes:")).split()[1])
