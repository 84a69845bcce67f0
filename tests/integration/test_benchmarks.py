"""The benchmarks run: what they print, and what they leave behind. Not how fast anything is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import BENCHMARKS, INTERRUPTED
from tests.absent import skip_loudly
from tests.running import ROOT, living_processes, wait_until

SECONDS = 300
pytestmark = [pytest.mark.usefixtures("tesseract"), pytest.mark.timeout(SECONDS)]
KEYS = {"name", "unit", "rounds", "median", "baseline", "compared_with", "ratio", "reach", "is_reached", "note"}


@pytest.fixture(autouse=True)
def _installed(broker_image: str | None, pytestconfig: pytest.Config) -> None:
    if broker_image is not None:
        skip_loudly("a RabbitMQ outside of a container, which the benchmarks start", pytestconfig)


def started(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--quick", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )


def measured(folder: Path, *arguments: str) -> dict[str, Any]:
    """What --json prints; nothing is left behind."""
    process = started(folder, "--json", *arguments)
    printed, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, told
    assert_nothing_is_left(folder, process.pid)
    found = json.loads(printed)
    assert isinstance(found, dict)
    return found


def assert_nothing_is_left(folder: Path, session: int) -> None:
    wait_until(lambda: not living_processes(session), "its processes are gone")
    assert list(folder.iterdir()) == []
    assert commands_below(folder) == []


def commands_below(folder: Path) -> list[bytes]:
    """Command lines of all processes that have this temporary folder, or one in it, whatever session they are in."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes())
        except OSError:  # another user's, or it ended while we looked
            continue
    return found


def assert_complete(found: dict[str, Any]) -> None:
    assert {"cores", "CPU", "RAM", "Python", "Tesseract", "RabbitMQ", "commit", "date"} <= found["machine"].keys()
    assert found["machine"]["RabbitMQ"]
    for figure in found["figures"]:
        assert figure.keys() == KEYS
        assert len(figure["rounds"]) == 1
        assert len(figure["baseline"]) in (0, 1)
        assert (figure["ratio"] is None) == (figure["baseline"] == [])
        assert (figure["is_reached"] is None) == (figure["reach"] is None)
    for curve in found["curves"]:
        assert curve["lines"]
        assert all(curve["lines"].values())


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_benchmark_prints_its_rows_as_json_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = measured(tmp_path, "--only", "latency")
    assert_complete(found)
    names = [figure["name"] for figure in found["figures"]]
    assert names[:2] == ["added latency, idle stack, p50", "added latency, idle stack, p99"]
    assert any(name.startswith("fsync") for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_rows(name: str, tmp_path: Path) -> None:
    found = measured(tmp_path, "--only", name)
    assert_complete(found)
    assert found["figures"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize(("name", "said"), [("latency", b"websocket_server"), ("throughput", b"-m\0client")])
def test_an_interrupted_run_leaves_nothing_behind(name: str, said: bytes, number: int, tmp_path: Path) -> None:
    process = started(tmp_path, "--only", name)

    wait_until(lambda: any(said in one for one in commands_below(tmp_path)), f"{said!r} runs", seconds=60)
    os.kill(process.pid, number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, told
    assert_nothing_is_left(tmp_path, process.pid)
