"""The pool: one ProcessPoolExecutor of one process for each slot, replaced when it dies.

One executor a slot, because CPython ends all workers of an executor when one of them dies. Who died of what is known
from the slates, where processes write which image they read: one that has ended `max_attempts` processes is answered
OCR_CRASHED at its next delivery. The broker's counts never decide: a lost connection raises them too.
"""

import dataclasses
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import connection
from pathlib import Path
from typing import Final

from settings.event_log import ids
from settings.schema import OcrServerSettings

from . import control
from .attempts import Attempts
from .engine import Choice
from .metrics import Metrics
from .slot import Process, Slot, Why
from .stop_signals import StopSignals

log = logging.getLogger("OCR_Server")

KILL_MARGIN: Final = 15.0
"""Seconds over the time limit until a process is killed that has not ended itself."""

LOOK: Final = 0.5  # seconds between looks at the clock
FOLDER_PREFIX: Final = "online-ocr-"


class PoolFailed(Exception):
    """The processes cannot work, and never will: `outcome` tells whether it is the queues or the engine."""

    def __init__(self, returned: control.Returned) -> None:
        super().__init__(returned.reason)
        self.outcome = returned.outcome


class Supervisor:
    """Keeps `max_process` processes reading until it is told to stop."""

    def __init__(
        self, settings: OcrServerSettings, choice: Choice, log_format: str, signals: StopSignals, metrics: Metrics
    ) -> None:
        count = settings.process_pool.max_process or cores()
        pool = dataclasses.replace(settings.process_pool, max_process=count)  # processes announce how many they are
        self._settings = dataclasses.replace(settings, process_pool=pool)
        self._choice = choice
        self._log_format = log_format
        self._slots = [Slot(number + 1) for number in range(count)]
        self._attempts = Attempts(settings.process_pool.max_attempts)
        self._said = set[str]()  # why there is no broker, but for a library's words in brackets
        self._signals = signals
        # Made by the first process: were it made here, a supervisor that is killed at once would leave it behind.
        self._folder = Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
        self._metrics = metrics

    def run(self) -> None:
        """Run the pool until SIGTERM or SIGINT, then stop in order; a second signal ends at once. Raises PoolFailed."""
        # Read when Tesseract loads: with its default, each process would start a thread a core, and they would fight.
        os.environ["OMP_THREAD_LIMIT"] = "1"
        remove_leftovers(Path(tempfile.gettempdir()))
        log.info(f"started: processes {len(self._slots)}, engine {self._choice.engine}")
        try:
            while not self._signals.count:
                for slot in self._slots:
                    slot.fill(self._start)
                self._watch()
            self._stop()
        finally:
            self._end()
            shutil.rmtree(self._folder, ignore_errors=True)
        log.info("stopped")

    def _start(self, number: int) -> Process:
        process = Process(number, self._settings, self._choice, self._log_format, self._folder)
        process.future.add_done_callback(self._signals.wake)
        return process

    def _running(self) -> Iterator[tuple[Slot, Process]]:
        for slot in self._slots:
            if slot.process is not None:
                yield slot, slot.process

    def _watch(self) -> None:
        """Wait until something happens, then deal with all that has."""
        pipes = [process.pipe for _, process in self._running() if process.is_talking]
        if self._signals.reader in connection.wait([*pipes, self._signals.reader], LOOK):
            os.read(self._signals.reader, 4096)
        questions = [one for slot, process in self._running() for one in self._hear(slot, process)]
        # Last, when all deaths are counted: what one process asks about may just have ended another.
        for process, image_id in questions:
            process.tell(control.Verdict(self._attempts.may_read(image_id)))
        longest = self._settings.ocr.timeout + KILL_MARGIN
        for slot, process in list(self._running()):
            if process.future.done():
                self._take_leave(slot, process)
            elif process.is_silent():
                log.error(f"process {slot.number} does not answer, as when it is stopped (SIGSTOP), and is killed")
                process.kill(Why.SILENT)
            elif process.slate.image_id and time.monotonic() > process.slate.begun_at + longest:
                log.error(f"process {slot.number} is stuck and is killed")
                process.kill(Why.STUCK)
        running = [process for _, process in self._running()]
        self._metrics.pool(len(running), sum(process.is_connected for process in running))

    def _hear(self, slot: Slot, process: Process) -> Iterator[tuple[Process, str]]:
        """Take in what a process has said; yields the image that it asks about."""
        for message in process.hear():
            self._metrics.count(message)
            if isinstance(message, control.Begun) and message.asks:
                yield process, message.image_id
            elif isinstance(message, control.Connected):
                self._said.clear()
            elif isinstance(message, control.Disconnected):
                kind = message.reason.partition("(")[0]
                if kind not in self._said:  # every process says so, a person needs each once
                    log.warning(message.reason)
                    self._said.add(kind)
        if not process.is_talking and (image_id := process.slate.died_of()):
            deaths = self._attempts.died_of(image_id)
            log.error(
                f"process {slot.number} died while it read image {image_id}, death {deaths} of at most "
                f"{self._settings.process_pool.max_attempts}",
                extra=ids(image_id=image_id, deaths=deaths),
            )

    def _take_leave(self, slot: Slot, process: Process) -> None:
        returned = process.finish()
        list(self._hear(slot, process))  # only now has all that it said surely arrived, and the end of its pipe
        slot.clear()
        if returned and returned.outcome in (control.Outcome.QUEUES_DIFFER, control.Outcome.NO_ENGINE):
            raise PoolFailed(returned)
        if not self._signals.count:
            self._metrics.replaced(process.why)
            log.warning(f"process replaced: process {slot.number}, {process.why.clause}")

    def _stop(self) -> None:
        log.info("stopping: taking no more images, answering those in hand")
        for _, process in self._running():
            process.tell(control.Stop())
        until = time.monotonic() + self._settings.process_pool.shutdown_grace
        while any(self._running()) and self._signals.count == 1 and time.monotonic() < until:
            self._watch()

    def _end(self) -> None:
        for _, process in self._running():
            process.kill()
        for slot, process in list(self._running()):
            process.finish()
            slot.clear()


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders of OCR servers that were killed together with all their processes."""
    for left in folder.glob(f"{FOLDER_PREFIX}*"):
        pid = left.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)  # somebody else's is left to them


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
