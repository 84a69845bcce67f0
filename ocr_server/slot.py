"""A place in the pool for one process: starts it, talks to it, clears up after it."""

import contextlib
import logging
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from enum import StrEnum
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import TYPE_CHECKING

from settings.schema import OcrServerSettings

from . import control, worker
from .attempts import Backoff, Silence
from .engine import Choice
from .lifeline import Lifeline
from .slate import Slate

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

log = logging.getLogger("OCR_Server")

_lifeline: Lifeline


def _keep(pipe: "Connection[list[control.FromProcess], control.ToProcess]", slate: Slate, folder: Path) -> None:
    # A pipe can be given to a process when it starts, not with the work that it is sent. From here on the process ends
    # with its supervisor, also while it is still loading.
    global _lifeline
    _lifeline = Lifeline(pipe, slate, folder)


def _work(number: int, settings: OcrServerSettings, choice: Choice, log_format: str) -> control.Returned:
    return worker.run(_lifeline, number, settings, choice, log_format)


class Why(StrEnum):
    """Why a process has ended: the label of a metric, and a clause for people."""

    DIED = "died"
    TIMEOUT = "timeout"
    STUCK = "stuck"
    SILENT = "silent"
    RECYCLED = "recycled"
    RETURNED = "returned"

    @property
    def clause(self) -> str:
        """As in "process replaced: process 1, it died"."""
        return _CLAUSES[self]


_CLAUSES = {
    Why.DIED: "it died",
    Why.TIMEOUT: "its engine did not end",
    Why.STUCK: "it was stuck and was killed",
    Why.SILENT: "it did not answer and was killed",
    Why.RECYCLED: "it has read as many images as it may",
    Why.RETURNED: "it has stopped by itself; its lines above tell why",
}


class Process:
    """One process from its start to its end, with its executor, its pipe and its folder."""

    def __init__(self, number: int, settings: OcrServerSettings, choice: Choice, log_format: str, folder: Path) -> None:
        context = get_context("spawn")  # fork would copy the locks of threads; and each process gets a clean Tesseract
        self._folder = folder / f"process-{number}-{secrets.token_hex(4)}"
        self._group: int | None = None  # from when it has said that it leads one
        self._is_dead = False
        self._silence = Silence()
        self.slate = Slate(context)
        self.is_connected = False
        self.why = Why.DIED
        """Why it ends, should it end now."""
        self.pipe, theirs = context.Pipe()
        self._executor = ProcessPoolExecutor(
            1, mp_context=context, initializer=_keep, initargs=(theirs, self.slate, self._folder)
        )
        # Blocked in the process from its first moment: a Ctrl-C in the terminal is for the supervisor alone.
        others = active_children()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self.future: Future[control.Returned] = self._executor.submit(_work, number, settings, choice, log_format)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # Known before it says anything: it may stand still before that. None when it has died already.
        self._child = next((child for child in active_children() if child not in others), None)
        theirs.close()  # theirs is the only one left now: its closing tells of the process's death

    @property
    def is_talking(self) -> bool:
        """False once everything that it said has been heard, and it is dead."""
        return not self._is_dead

    def hear(self) -> Iterator[control.FromProcess]:
        """What it has said since the last time."""
        try:
            while not self._is_dead and self.pipe.poll():
                for message in self.pipe.recv():
                    self._note(message)
                    yield message
        except (EOFError, OSError):
            self._is_dead = True

    def _note(self, message: control.FromProcess) -> None:
        if isinstance(message, control.Started):
            self._group = message.pid
            self._silence.broken()
        elif isinstance(message, control.Pong):
            self._silence.broken()
        elif isinstance(message, control.Connected | control.Disconnected):
            self.is_connected = isinstance(message, control.Connected)
        elif isinstance(message, control.Leaving):
            self.why = Why.TIMEOUT

    def tell(self, message: control.ToProcess) -> None:
        """Say something to it; in vain when it has just died."""
        with contextlib.suppress(OSError):
            self.pipe.send(message)

    def is_silent(self) -> bool:
        """True when it has not answered for too long; asks it from time to time. To be called at each look."""
        if self._silence.look(time.monotonic()):
            self.tell(control.Ping())
        return self._silence.is_too_long

    def kill(self, why: "Why | None" = None) -> None:
        """End it, and all that it has started, such as the tesseract program. why: None when it has ended already."""
        self.why = why or self.why
        if self._child is not None:
            self._child.kill()
        if self._group is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)

    def finish(self) -> control.Returned | None:
        """Wait for its end, and end what it has left behind; returns what it returned, None when it died."""
        try:
            returned: control.Returned | None = self.future.result()
        except BrokenProcessPool:
            returned = None
        except Exception:  # a mistake of ours costs this process, not the pool
            log.exception("an OCR process failed")
            returned = None
        if returned:
            self.why = Why.RECYCLED if returned.outcome is control.Outcome.RECYCLED else Why.RETURNED
        self._executor.shutdown(wait=True)
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        return returned


class Slot:
    """Number `number` (from 1) of the pool's places."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: Process | None = None
        self._backoff = Backoff()
        self._start_at = 0.0

    def fill(self, start: Callable[[int], Process]) -> None:
        """Start a process if there is none, and it is time."""
        if self.process is None and time.monotonic() >= self._start_at:
            self.process = start(self.number)

    def clear(self) -> None:
        """Take leave of the process, which has finished and been heard."""
        assert self.process is not None
        self.process.pipe.close()
        self._start_at = time.monotonic() + self._backoff.after(has_read=self.process.slate.has_read)
        self.process = None
