"""docker-compose.yml, run for real where a Docker engine and the images it starts from are there."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from broker_definitions import PERMISSIONS, Permissions

from tests.absent import skip_loudly
from tests.e2e.test_sample_images import IMAGES, words
from tests.running import ROOT, free_port, wait_until

BASE_IMAGES = ("python:3.13-slim-trixie", "rabbitmq:4-management")


SERVERS = ("rabbitmq", "websocket_server", "ocr_server")


class Stack:
    """The project's own compose file, under a project name and a port of this test's own."""

    def __init__(self, command: list[str]) -> None:
        self.project = f"online-ocr-test-{os.getpid()}"
        self._command = [*command, "--project-name", self.project]
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

    def inside(self, service: str, command: str) -> str:
        """What a shell command prints in a service's container."""
        return self.run("exec", "-T", service, "sh", "-c", command)

    def containers(self, *services: str) -> list[str]:
        """The ids of all containers of the services, also of those that have ended."""
        return self.run("ps", "--all", "--quiet", *services).split()

    def exit_codes(self, service: str) -> list[int]:
        """The exit codes of a service's containers that have run and ended."""
        shown = self.docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", *self.containers(service))
        states = [line.split() for line in shown.splitlines()]
        return [int(code) for status, code in states if status == "exited"]

    def networks(self, service: str) -> set[str]:
        """The networks of a service's containers."""
        shown = self.docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", *self.containers(service))
        return {name for line in shown.splitlines() for name in json.loads(line)}

    def docker(self, *arguments: str) -> str:
        """What a docker command prints."""
        done = subprocess.run(["docker", *arguments], capture_output=True, encoding="utf-8", timeout=60, check=True)
        return done.stdout


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


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def running(stack: Stack) -> Stack:
    """The whole stack with three OCR servers, once its client has read the sample images."""
    stack.run("build")
    stack.run("up", "--detach", "--scale", "ocr_server=3")
    wait_until(lambda: stack.exit_codes("client") == [0], "the client has read all images", seconds=120)
    return stack


@pytest.mark.timeout(900)
def test_every_ocr_server_listens_and_the_sample_images_are_read(running: Stack) -> None:
    printed = running.run("logs", "--no-color", "ocr_server")
    listening = {line.partition("|")[0] for line in printed.splitlines() if "listening on pending_queue" in line}
    assert len(listening) == 3

    told = running.run("run", "--rm", "-T", "client", "python", "-m", "client", "--json")
    texts = {one["file"]: one["text"] for one in (json.loads(line) for line in told.splitlines() if line[:1] == "{")}
    images = [path for path in IMAGES.iterdir() if path.suffix != ".txt"]
    assert {name: words(text) for name, text in texts.items()} == {
        path.name: words(path.with_suffix(".txt").read_text("utf-8")) for path in images
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", SERVERS)
def test_containers_have_no_rights_no_core_dumps_and_bounded_memory(running: Stack, service: str) -> None:
    shown = running.inside(service, "cat /proc/self/status")
    facts = dict(line.split(":", 1) for line in shown.splitlines() if ":" in line)
    assert facts["Uid"].split()[0] != "0"
    assert int(facts["CapBnd"].strip(), 16) == 0
    assert facts["NoNewPrivs"].strip() == "1"
    refused = running.run("exec", "-T", service, "touch", "/etc/written", check=False)
    assert "Read-only file system" in refused
    assert running.inside(service, "ulimit -c; ulimit -H -c").split() == ["0", "0"]
    limits = json.loads(running.docker("inspect", "--format", "{{json .HostConfig}}", running.containers(service)[0]))
    assert 0 < limits["Memory"] <= 4 * 1024**3
    assert 0 < limits["PidsLimit"] <= 1024


@pytest.mark.timeout(900)
def test_the_broker_knows_two_accounts_with_the_permissions_of_the_script(running: Stack) -> None:
    users = running.inside("rabbitmq", "rabbitmqctl -q list_users --formatter json")
    assert {one["user"]: one["tags"] for one in json.loads(users)} == {"gateway": [], "ocr_server": []}
    granted = json.loads(running.inside("rabbitmq", "rabbitmqctl -q list_permissions --formatter json"))
    assert {one["user"]: Permissions(one["configure"], one["write"], one["read"]) for one in granted} == PERMISSIONS


@pytest.mark.timeout(900)
def test_each_server_sees_its_own_secrets_only(running: Stack) -> None:
    found = {service: running.inside(service, "find /secrets -type f").split() for service in SERVERS}
    assert {service: sorted(files) for service, files in found.items()} == {
        "rabbitmq": ["/secrets/broker/definitions.json"],
        "websocket_server": ["/secrets/gateway/password", "/secrets/gateway/resume_secret"],
        "ocr_server": ["/secrets/ocr_server/password"],
    }
    passwords = [
        running.inside(service, f"cat {path}").strip()
        for service, path in (("websocket_server", "/secrets/gateway/password"), ("ocr_server", found["ocr_server"][0]))
    ]
    assert len(set(passwords)) == 2
    printed = running.run("logs", "--no-color") + running.docker("inspect", *running.containers(*SERVERS))
    assert not [password for password in passwords if password in printed]


@pytest.mark.timeout(900)
def test_an_ocr_server_reaches_the_broker_and_nothing_else(running: Stack) -> None:
    (own,) = running.networks("ocr_server")
    assert running.docker("network", "inspect", "--format", "{{.Internal}}", own).strip() == "true"
    assert own in running.networks("rabbitmq")
    assert own not in running.networks("websocket_server")


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_a_stack_whose_secrets_were_removed_comes_back_with_new_ones(running: Stack) -> None:
    old = running.inside("websocket_server", "cat /secrets/gateway/password")
    running.run("down", "--timeout", "30")
    for name in ("gateway_secrets", "ocr_server_secrets", "broker_definitions"):
        running.docker("volume", "rm", f"{running.project}_{name}")
    running.run("up", "--detach")
    wait_until(lambda: running.exit_codes("client") == [0], "the client has read all images again", seconds=120)
    assert running.inside("websocket_server", "cat /secrets/gateway/password") != old
