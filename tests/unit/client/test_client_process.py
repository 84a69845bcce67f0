"""`python -m client` as a process: exit code, signals, a pipe that closes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from settings.command_line import Exit
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit, damaged
from tests.unit.client.running_client import v1_only

ROOT = Path(__file__).resolve().parents[3]


class Program:
    """`python -m client` as a process of its own."""

    def __init__(self, gateway: FakeGateway, *arguments: object) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OCR_")}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error",
                "-m",
                "client",
                "--set",
                f"WebSocket.url={gateway.url}",
                *map(str, arguments),
            ],
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        try:
            out, err = self.process.communicate(timeout=SECONDS)
        finally:
            self.process.kill()
        return self.process.returncode, out, err


def test_as_a_process_it_exits_with_the_code(gateway: FakeGateway, folder: Path) -> None:
    gateway.on_image = damaged
    code, out, err = Program(gateway, folder).end()
    assert (code, err) == (Exit.IMAGE_FAILED, "")
    assert out.count("It is damaged.") == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly_with_the_table(gateway: FakeGateway, folder: Path, number: signal.Signals) -> None:
    two_wait = threading.Barrier(3)

    def answer_one(visit: Visit, name: str) -> None:
        if name == "a.png":
            visit.read(name)
        else:
            two_wait.wait(SECONDS)

    gateway.on_image = answer_one
    program = Program(
        gateway, folder, "--set", "ThreadPool.max_thread=2", "--set", "ThreadPool.images_per_connection=2"
    )
    two_wait.wait(SECONDS)
    program.process.send_signal(number)
    code, out, err = program.end()
    assert (code, err) == (Exit.INTERRUPTED, "")
    header, values = out.splitlines()[-2:]
    assert header.split()[:4] == ["images", "done", "failed", "unanswered"]
    assert values.split()[:4] == ["3", "1", "0", "2"]
    assert out.count("interrupted: ") == 1
    gateway.wait_until_all_are_gone()
    assert set(gateway.close_codes) == {1000}
    cancelled = [gateway.name_of(one) for some in gateway.said("Cancel") for one in some]
    assert sorted(cancelled) == (["b.png", "c.png"] if gateway.subprotocols else [])


def test_a_pipe_that_nobody_reads_any_more_ends_it_without_a_traceback(gateway: FakeGateway, folder: Path) -> None:
    is_closed = threading.Event()

    def answer_one(visit: Visit, name: str) -> None:
        if name == "a.png" or is_closed.wait(SECONDS):
            visit.read(name)

    gateway.on_image = answer_one
    program = Program(gateway, folder, "--json")
    assert program.process.stdout is not None
    program.process.stdout.readline()
    program.process.stdout.close()
    program.process.stdout = None
    is_closed.set()
    code, _, err = program.end()
    assert (code, err) == (Exit.INTERRUPTED, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_output_that_was_closed_at_the_start_takes_nothing_and_does_no_harm(
    gateway: FakeGateway, folder: Path, tmp_path: Path, more: list[str], closed: str
) -> None:
    (folder / "note.txt").write_text("A warning tells that this is no image.")
    texts = tmp_path / "texts"
    arguments = ["--set", f"WebSocket.url={gateway.url}", folder, "--output", texts, *more]
    command = f"{shlex.join([sys.executable, '-m', 'client', *map(str, arguments)])} {closed}"
    ended = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == Exit.OK
    assert "Traceback" not in ended.stderr
    assert len(list(texts.iterdir())) == 3
    if more and closed == "2>&-":
        assert [json.loads(line)["status"] for line in ended.stdout.splitlines()] == ["SUCCESS"] * 3


@v1_only  # which tells no limit
def test_an_image_over_the_memory_is_a_failed_image_and_the_others_are_read(gateway: FakeGateway, folder: Path) -> None:
    with (folder / "a.png").open("r+b") as file:
        file.truncate(1 << 32)  # of which the disk has a few bytes
    program = shlex.join([sys.executable, "-m", "client", "--set", f"WebSocket.url={gateway.url}", str(folder)])
    command = f"ulimit -v 2000000; {program}"  # KiB
    ended = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (Exit.IMAGE_FAILED, "")
    assert "a.png is too large: it has more bytes than there is memory." in ended.stdout
    assert sorted(gateway.names) == ["b.png", "c.png"]
