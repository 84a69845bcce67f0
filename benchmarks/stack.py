"""The whole stack as real processes on a private broker, and what its processes use."""

import contextlib
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from private_broker import PrivateBroker

from tests.running import Gateway, Service, Services, living_processes

from .images import Sample, name_of, write_many
from .texts import check

_TICKS = os.sysconf("SC_CLK_TCK")
_LINE = re.compile(r"^\[(?P<at>[^\]]+)\]\[Client \d+\] (?P<what>image sent|result)", re.MULTILINE)

PREFIX = "online-ocr-benchmark-"
RUN_SECONDS = 600.0
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made in it
"""Where there is one: the client's images and texts are put there. ext4 makes a file more slowly for minutes after many
were deleted, as each round does; what the broker and the services write stays on the disk."""

IN_FLIGHT = 32
"""Images that the client has on their way, over all its connections: enough that no OCR process waits for it."""


class Stack:
    """A broker, its gateways and OCR servers; made by `running`. images: where the client's files are."""

    def __init__(self, folder: Path, images: Path, broker: PrivateBroker, services: Services) -> None:
        self.broker = broker
        self.services = services
        self.folder = folder
        self._images = images
        self.read: list[tuple[Sample, str]] = []
        """What `images_per_second` has had read, the last time, and the texts that came back."""
        self._runs = 0

    @contextlib.contextmanager
    def reading(self, *ocr_settings: str, processes: int, gateway_settings: Sequence[str] = ()) -> Iterator[Gateway]:
        """A gateway and an OCR server, which are stopped again: a baseline has the machine for itself."""
        gateway = self.services.gateway(*gateway_settings)
        server = self.services.ocr_server(*ocr_settings, processes=processes)
        yield gateway
        server.stop()
        gateway.stop()

    def images_per_second(self, gateway: Gateway, samples: list[Sample], count: int, connections: int = 2) -> float:
        """Have the client program read `count` images; from its first sending to its last result. Raises WrongText."""
        run = self.start_client(gateway, samples, count, connections)
        seconds = run.answered()[-1]
        self.read = run.read
        return count / seconds

    def start_client(self, gateway: Gateway, samples: list[Sample], count: int, connections: int = 2) -> "Run":
        """Have the client program read `count` images, the samples again and again."""
        self._runs += 1
        folder, results = self._images / f"images-{self._runs}", self._images / f"results-{self._runs}"
        write_many(samples, count, folder)
        client = self.services.client(
            gateway.port,
            folder,
            f"ThreadPool.max_thread={connections}",
            f"ThreadPool.images_per_connection={math.ceil(count / connections)}",
            f"Client.max_in_flight={max(1, IN_FLIGHT // connections)}",
            more=["--output", str(results)],
        )
        return Run(client, samples, count, folder, results)


class Run:
    """The client program at work on a folder of images."""

    def __init__(self, client: Service, samples: list[Sample], count: int, folder: Path, results: Path) -> None:
        self.client = client
        self._samples = samples
        self._count = count
        self._folder = folder
        self._results = results
        self.read: list[tuple[Sample, str]] = []

    def answered(self) -> list[float]:
        """Wait for its end; seconds from its first sending to each of its results. Raises WrongText."""
        code, said = self.client.exit_code(seconds=RUN_SECONDS), self.client.output()
        if code:
            raise RuntimeError(f"the client exited with {code}; it printed:\n{said}")
        found = list(_LINE.finditer(said))
        begun = min(_time(one["at"]) for one in found if one["what"] == "image sent")
        answered = sorted((_time(one["at"]) - begun).total_seconds() for one in found if one["what"] == "result")
        if len(answered) != self._count:
            raise RuntimeError(f"{len(answered)} of {self._count} images have a result; the client printed:\n{said}")
        for number in range(self._count):
            sample = self._samples[number % len(self._samples)]
            text = (self._results / f"{name_of(number, sample)}.txt").read_text("utf-8")
            check(sample, text)
            self.read.append((sample, text))
        shutil.rmtree(self._folder)
        shutil.rmtree(self._results)
        return answered


@contextlib.contextmanager
def running() -> Iterator[Stack]:
    """A stack with its broker; everything is stopped and removed in the end."""
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX) as name,
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=MEMORY if MEMORY.is_dir() else None) as images,
        PrivateBroker(Path(name) / "broker") as broker,
    ):
        (Path(name) / "services").mkdir()
        services = Services(broker.port, Path(name) / "services")
        try:
            yield Stack(Path(name), Path(images), broker, services)
        except BaseException:
            # Who is interrupted while something starts cannot expect it to stop in order.
            for service in services.started:
                service.kill()
            raise
        services.close()


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_seconds_of_all(service: Service) -> float:
    """That of a service and of all processes that it has started."""
    return sum(cpu_seconds(pid) for pid in living_processes(service.process.pid))


def memory(pid: int) -> int:
    """Bytes that are a process's own share of the memory (proc(5), smaps_rollup, Pss)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _time(printed: str) -> datetime:
    return datetime.fromisoformat(printed)
