"""Our programs as real processes: started on free ports, waited for, stopped, and looked for after they are gone."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pika
from private_broker import free_ports

ROOT = Path(__file__).resolve().parent.parent
# The gateway's words for a client that has a held queue from now on.
_HAS_HELD_QUEUE = re.compile(
    r"(?:answer held: .* for|client resumed: .*,|in the held queue of) ([0-9a-f-]{56})$", re.MULTILINE
)
_ANSWERED = re.compile(r'^gateway_answers_total\{outcome="SUCCESS"\} (\S+)$', re.MULTILINE)
START_SECONDS = 30.0
# More than the services' own shutdown_grace of 20 s: whoever is slower than its own promise fails its test.
STOP_SECONDS = 30.0


def wait_until(holds: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    """Return as soon as `holds` does; TimeoutError with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


def free_port() -> int:
    """A TCP port of this machine that nobody listened on a moment ago, and that no outgoing connection is given."""
    (port,) = free_ports(1)
    return port


def http_status(port: int, path: str) -> int | None:
    """The status of GET `path`; None where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def living_processes(session: int) -> list[int]:
    """Processes of the session that `session` leads or led (zombies are not living: their parent has yet to look)."""
    if sys.platform != "linux":
        listed = subprocess.run(["ps", "-axo", "pid=,sess=,stat="], capture_output=True, text=True, check=True)
        rows = [line.split() for line in listed.stdout.splitlines()]
        return [int(pid) for pid, its_session, state in rows if its_session == str(session) and "Z" not in state]
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, _group, its_session = stat.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):  # it ended while we looked
            continue
        if int(its_session) == session and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


class Service:
    """One of our programs in a folder of its own, with its own temporary folder and its output in a file."""

    def __init__(
        self, module: str, arguments: list[str], folder: Path, extra_environment: Mapping[str, str] | None = None
    ) -> None:
        self.module = module
        self.folder = folder
        self.temporary = folder / "t"
        self.temporary.mkdir(parents=True)
        self._output = folder / "output.txt"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OCR_")}
        environment |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary), **(extra_environment or {})}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # whatever it starts stays in its session, also in groups of its own
            )

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, holds: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
        """As `wait_until`, but not longer than the process lives, and the error shows what it printed."""

        def holds_or_ended() -> bool:
            return bool(holds()) or self.process.poll() is not None

        try:
            wait_until(holds_or_ended, what, seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}; {self.module} printed:\n{self.output()}") from None
        code = self.process.poll()
        if code is not None and not holds():
            raise AssertionError(f"{self.module} exited with {code} before: {what}; it printed:\n{self.output()}")

    def wait_for_output(self, text: str, times: int = 1, seconds: float = START_SECONDS) -> None:
        self.wait_for(lambda: self.output().count(text) >= times, f"{times} x {text!r} in the output", seconds)

    def exit_code(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the process to end by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.module} still runs after {seconds:g} s; it printed:\n{self.output()}"
            ) from None

    def stop(self) -> None:
        """SIGTERM; then exit code 0, and neither a process nor a temporary file is left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.exit_code()
        assert code == 0, f"{self.module} exited with {code}; it printed:\n{self.output()}"
        self.assert_nothing_is_left()

    def assert_nothing_is_left(self) -> None:
        with contextlib.suppress(TimeoutError):  # multiprocessing's own resource tracker ends a moment later
            wait_until(lambda: not living_processes(self.process.pid), "its children are gone", seconds=10)
        processes = living_processes(self.process.pid)
        assert not processes, f"{self.module} left processes behind: {processes}"
        files = [str(path.relative_to(self.folder)) for path in self.temporary.rglob("*")]
        assert not files, f"{self.module} left temporary files behind: {files}"

    def kill(self) -> None:
        """End it and all that it started at once; does nothing to what has ended."""
        for pid in living_processes(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def group_of(pid: int) -> int | None:
    """The process group of a process; None when it has ended."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def ocr_processes(server: Service) -> list[int]:
    """The OCR processes of an OCR server: each leads a process group of its own."""
    return [pid for pid in living_processes(server.process.pid) if group_of(pid) == pid != server.process.pid]


class Gateway(Service):
    """`python -m websocket_server` on `port`; None: a free one."""

    def __init__(self, settings: list[str], folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        super().__init__("websocket_server", [*settings, "--set", f"WebSocket.port={self.port}"], folder)

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: http_status(self.port, "/readyz") == 200, "GET /readyz is 200")

    def answered(self) -> int:
        """How many images it has had answers to."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
        finally:
            connection.close()
        found = _ANSWERED.search(page)
        assert found
        return int(float(found[1]))


class Services:
    """Starts our programs at one broker; on leaving, stops them, checks what they left, and removes the queues."""

    def __init__(self, broker_port: int, folder: Path) -> None:
        self.broker_port = broker_port
        self._folder = folder
        self._running: list[Service] = []
        self._queues = {"pending_queue", "result_queue", "dead_letter_queue"}

    @property
    def started(self) -> list[Service]:
        """All that have been started, those that have ended included."""
        return list(self._running)

    @property
    def queues(self) -> set[str]:
        """The queues that they declare, and the held ones that gateways have told of; some may not be there."""
        held = {uuid for service in self._running for uuid in _HAS_HELD_QUEUE.findall(service.output())}
        return self._queues | {f"held.{uuid}" for uuid in held}

    def gateway(self, *settings: str, ready: bool = True, port: int | None = None) -> Gateway:
        """A running gateway; `settings` are Section.key=value. port: as one has it that is back after its end."""
        own_queue = "RabbitMQ.result_queue="
        self._queues |= {setting.removeprefix(own_queue) for setting in settings if setting.startswith(own_queue)}
        gateway = Gateway(self._arguments(settings), self._new_folder(), port)
        self._running.append(gateway)
        if ready:
            gateway.wait_until_ready()
        return gateway

    def ocr_server(
        self,
        *settings: str,
        processes: int = 1,
        ready: bool = True,
        extra_environment: Mapping[str, str] | None = None,
    ) -> Service:
        """A running OCR server with so many OCR processes, all of them listening."""
        arguments = self._arguments((f"ProcessPool.max_process={processes}", *settings))
        server = Service("ocr_server", arguments, self._new_folder(), extra_environment)
        self._running.append(server)
        if ready:
            server.wait_for_output("listening", times=processes)
        return server

    def client(self, port: int, images: Path, *settings: str, more: Sequence[str] = ()) -> Service:
        """A running client program, sending the folder `images` to the gateway on `port`. more: further arguments."""
        chosen = (f"WebSocket.port={port}", f"ImagePath.image_dir={images}", *settings)
        arguments = [part for setting in chosen for part in ("--set", setting)]
        client = Service("client", [*arguments, *more], self._new_folder())
        self._running.append(client)
        return client

    def close(self) -> None:
        """Stop what still runs, and remove the queues."""
        try:
            self.stop()
        finally:
            self._queues = self.queues
            self._running.clear()
            self._remove_queues()

    def stop(self) -> None:
        """Stop what still runs, the last started first; the first complaint is raised when all have ended."""
        complaints = []
        for service in reversed(self._running):
            try:
                if service.process.poll() is None:
                    service.stop()
            except AssertionError as complaint:
                complaints.append(complaint)
            finally:
                service.kill()
        if complaints:
            raise complaints[0]

    def _arguments(self, settings: tuple[str, ...]) -> list[str]:
        chosen = (f"RabbitMQ.port={self.broker_port}", *settings)
        return [part for setting in chosen for part in ("--set", setting)]

    def _new_folder(self) -> Path:
        return self._folder / str(len(list(self._folder.iterdir())))

    def _remove_queues(self) -> None:
        """Make the broker as good as new for the next test: far quicker than a new virtual host each."""
        with pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", self.broker_port, heartbeat=0)
        ) as connection:
            channel = connection.channel()
            for queue in self._queues:  # held ones would stay for a resume_window
                channel.queue_delete(queue)
            for exchange in ("ocr.control", "ocr.announce"):
                channel.exchange_delete(exchange)
