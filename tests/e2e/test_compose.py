"""docker-compose.yml, run for real where a Docker engine and the images it starts from are there."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.absent import skip_loudly
from tests.e2e.test_sample_images import IMAGES, words
from tests.running import ROOT, free_port

BASE_IMAGES = ("python:3.13-slim-trixie", "rabbitmq:4-management")


class Stack:
    """The project's own compose file, under a project name and a port of this test's own."""

    def __init__(self, command: list[str]) -> None:
        self._command = [*command, "--project-name", f"online-ocr-test-{os.getpid()}"]
        self._environment = os.environ | {"OCR_GATEWAY_PORT": str(free_port())}

    def run(self, *arguments: str, seconds: float = 300, check: bool = True) -> str:
        ran = subprocess.run(
            [*self._command, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=seconds,
            check=False,
        )
        assert not check or ran.returncode == 0, ran.stdout
        return ran.stdout


def docker(*arguments: str) -> bool:
    """Whether the docker command succeeds; False also where there is no docker command."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", *arguments], capture_output=True, timeout=60, check=False).returncode == 0


def compose_command() -> list[str] | None:
    """Compose as a plug-in or as a program of its own; None where it is neither."""
    if docker("compose", "version"):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


@pytest.fixture
def stack(pytestconfig: pytest.Config) -> Iterator[Stack]:
    command = compose_command()
    if command is None or not docker("info"):
        skip_loudly("a Docker engine with Compose", pytestconfig)
    if not all(docker("image", "inspect", image) for image in BASE_IMAGES):
        skip_loudly(f"the Docker images {' and '.join(BASE_IMAGES)}", pytestconfig)
    stack = Stack(command)
    try:
        yield stack
    finally:
        stack.run("down", "--volumes", "--timeout", "30")


@pytest.mark.timeout(600)
def test_the_stack_reads_the_sample_images_in_hardened_containers(stack: Stack) -> None:
    stack.run("build")
    printed = stack.run("up", "--scale", "ocr_server=3", "--exit-code-from", "client")
    listening = {line.partition("|")[0] for line in printed.splitlines() if "listening on pending_queue" in line}
    assert len(listening) == 3

    stack.run("up", "--detach", "websocket_server", "ocr_server")
    told = stack.run("run", "--rm", "-T", "client", "python", "-m", "client", "--json")
    texts = {one["file"]: one["text"] for one in (json.loads(line) for line in told.splitlines() if line[0] == "{")}
    images = [path for path in IMAGES.iterdir() if path.suffix != ".txt"]
    assert {name: words(text) for name, text in texts.items()} == {
        path.name: words(path.with_suffix(".txt").read_text("utf-8")) for path in images
    }

    for service in ("rabbitmq", "websocket_server", "ocr_server"):
        shown = stack.run("exec", "-T", service, "cat", "/proc/self/status")
        facts = dict(line.split(":", 1) for line in shown.splitlines() if ":" in line)
        assert facts["Uid"].split()[0] != "0"
        assert int(facts["CapBnd"].strip(), 16) == 0
        refused = stack.run("exec", "-T", service, "touch", "/etc/written", check=False)
        assert "Read-only file system" in refused
    users = stack.run("exec", "-T", "rabbitmq", "rabbitmqctl", "-q", "list_users")
    assert "guest" not in users
    assert "online_ocr" in users
