"""What was measured on, and with what: the head of every report."""

import contextlib
import datetime as dt
import importlib.metadata
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from private_broker import BrokerError, PrivateBroker

ROOT: Final = Path(__file__).resolve().parent.parent
_LIMIT: Final = "OMP_THREAD_LIMIT"


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def omp_threads(limit: int | None) -> Iterator[None]:
    """Tesseract's threads in what is started within; None: its default. Other measurements see none of it."""
    before = os.environ.pop(_LIMIT, None)
    if limit is not None:
        os.environ[_LIMIT] = str(limit)
    try:
        yield
    finally:
        os.environ.pop(_LIMIT, None)
        if before is not None:
            os.environ[_LIMIT] = before


def described() -> dict[str, str]:
    """By name, in the order of the report; "" where it cannot be told."""
    return {
        "cores": str(cores()),
        "CPU": _found(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo") or platform.processor(),
        "RAM": _ram(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        "Tesseract": _tesseract(),
        "RabbitMQ": _rabbitmq(),
        "event loop": "uvloop " + _version("uvloop") if _version("uvloop") else "asyncio",
        "commit": _commit(),
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _found(pattern: str, path: str) -> str:
    try:
        text = Path(path).read_text("utf-8")
    except OSError:
        return ""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else ""


def _ram() -> str:
    kibibytes = _found(r"^MemTotal:\s+(\d+) kB$", "/proc/meminfo")
    return f"{int(kibibytes) / 2**20:.0f} GiB" if kibibytes else ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _tesseract() -> str:
    """The program's, which a process per image runs, and the library's, which the OCR server has inside."""
    program = _said("tesseract", "--version").partition("\n")[0].removeprefix("tesseract ")
    try:
        import tesserocr
    except ImportError:
        return f"{program} (program)"
    library = tesserocr.tesseract_version().partition("\n")[0].removeprefix("tesseract ")
    return f"{library} (library), {program} (program)"


def _rabbitmq() -> str:
    """What the private brokers run. Asked at no broker, rabbitmqctl leaves an Erlang name server behind."""
    try:
        with tempfile.TemporaryDirectory() as folder, PrivateBroker(Path(folder)) as broker:
            return broker.rabbitmqctl("version").strip()
    except BrokerError:
        return ""


def _commit() -> str:
    commit = _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD").strip()
    changed = _said("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no").strip()
    return f"{commit} and changes" if commit and changed else commit


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout  # noqa: S603
    except OSError:
        return ""
