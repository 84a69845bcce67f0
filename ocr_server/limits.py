"""What the operating system allows an OCR process, and the tesseract program that it may start: `resource`.

Untrusted bytes meet decoders here, so a process has limits of its own, whatever the machine's are.
"""

import contextlib
import math
import os
import resource
import stat
import sys
from collections.abc import Iterator
from typing import Final

FILE_SIZE: Final = 512 * 1024 * 1024
"""Bytes. pytesseract writes each page as PNG: 100,000,000 pixels in colour are 300 MB at the most."""

OPEN_FILES: Final = 256
"""A process has about 20 open: its pipe, its log, its socket, those of the executor."""

CPU_SHARE: Final = 2.0
"""CPU seconds for a second of the time limit: one thread reads, and the others need far less than another core."""

CPU_MARGIN: Final = 60.0
"""CPU seconds beyond it. The three clocks come first; this one also ends a process whose supervisor is stopped."""


def restrict(memory_limit: int) -> None:
    """Put the limits on this process for good. memory_limit: bytes of address space, 0 for none."""
    if memory_limit:
        _lower(resource.RLIMIT_AS, memory_limit)
    _lower(resource.RLIMIT_CORE, 0)  # a core file would hold people's images
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    _lower(resource.RLIMIT_FSIZE, FILE_SIZE + _log_size())


@contextlib.contextmanager
def cpu_time(seconds: float) -> Iterator[None]:
    """Within it, SIGXCPU ends this process once it has used far more CPU time than `seconds` of one image can take.

    Only the soft limit moves. Outside it there is none: a process may be idle for weeks.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + CPU_SHARE * seconds + CPU_MARGIN)
    resource.setrlimit(resource.RLIMIT_CPU, (_within(soft, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _lower(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (_within(value, hard),) * 2)


def _within(value: int, hard: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _log_size() -> int:
    """Bytes of a file that our lines go to; 0 for anything else. It has its own size already, and may grow beyond."""
    try:
        found = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):  # there is none, or it is no real file
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
