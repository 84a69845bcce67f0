"""A RabbitMQ node of our own, beside any other on this machine: for `script/demo` and for the tests.

    python script/private_broker.py [--detached] FOLDER

starts one with everything it writes under FOLDER, prints its AMQP URL once a client can log in, and stays until
SIGTERM, SIGINT or, unless `--detached`, the end of the process that started it.

Three processes make a node: `keeper`, a shell that kills the whole process group should this Python die, by SIGKILL
too; `epmd`, Erlang's name server, which left to itself would daemonise and outlive us; and the node.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType, TracebackType

START_TIMEOUT = 60.0  # seconds; 3 to 6 are usual, a loaded machine needs more
STOP_TIMEOUT = 10.0  # seconds for the node to stop by itself; then it is killed

# Debian's and Homebrew's `rabbitmq-server` on the PATH may be wrappers (Debian's refuses ordinary users and, as root,
# turns into the user rabbitmq, who cannot write to FOLDER), so the script they wrap comes first.
SERVER_FOLDERS = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin", "/opt/rabbitmq/sbin")

# For every Erlang that RabbitMQ starts: talk on this machine only, and start no epmd, since ours is there. (RabbitMQ
# 3.10 starts a second Erlang only to have it start epmd; killed at that moment, the node would leave that behind.)
LOCAL_ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = false
log.file.level = info
# A private node shares its machine: a nearly full disk is no reason to block publishers.
disk_free_limit.absolute = 10MB
vm_memory_high_watermark.relative = 0.6
"""


class BrokerError(Exception):
    """The node could not be started or asked; says why, with the end of its log where there is one."""


class PrivateBroker:
    """One node. `with PrivateBroker(folder) as broker: connect(broker.url)`.

    Ports, node name and data stay the same over `stop`, `kill` and `start`: what was durable is there again.

    Args:
        folder: made where it is missing. It is left in place: whoever chose it removes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.port, self._distribution_port, self._epmd_port, self._ctl_port = free_ports(4)
        # localhost needs no DNS; the random part keeps two nodes apart wherever they meet.
        self.node_name = f"private-{secrets.token_hex(4)}@localhost"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The AMQP URL, account and password included."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        """The process id of the running node."""
        if self._node is None:
            raise BrokerError("the private broker is not running")
        return self._node.pid

    @property
    def running(self) -> bool:
        """Whether the node's process is there."""
        return self._node is not None and self._node.poll() is None

    def start(self) -> None:
        """Start the node and wait until a client can log in; does nothing when it runs already."""
        if self.running:
            return
        server, epmd = find_server(), find_epmd()
        self._write_files()
        try:
            group = self._start_keeper_and_epmd(epmd)
            with (self.folder / "startup.log").open("wb") as output:
                self._node = subprocess.Popen(
                    [str(server)],
                    cwd=self.folder,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    process_group=group,
                )
            self._wait_for("the broker", self.port, accepts_guest, self._node)
        except BaseException:
            self.stop(grace=0)
            raise

    def stop(self, grace: float = STOP_TIMEOUT) -> None:
        """Stop the node, then its epmd; safe to call twice, and before `start`.

        Args:
            grace: seconds the node has to stop by itself before it is killed.
        """
        try:
            if self._node is not None and grace > 0:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._node.terminate()
                    self._node.wait(grace)
        finally:
            started_by_node = descendants(self._node.pid) if self._node is not None else []
            # Everything in the group at once: the node if it still runs, epmd and the keeper. The number cannot be
            # another's as long as the keeper is not waited for.
            if self._keeper is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._keeper.pid, signal.SIGKILL)
            # What the node started has groups of its own, and would end by itself, but not before we return.
            for pid in started_by_node:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for process in (self._node, self._epmd, self._keeper):
            if process is not None:
                process.wait()
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
        self._node = self._epmd = self._keeper = None

    def kill(self) -> None:
        """SIGKILL the node, as a crash or a power cut would; `start` brings it back with what it had on disk."""
        if self._node is not None:
            self._node.kill()
            self._node.wait()
            self._node = None

    def restart(self) -> None:
        """Stop the node and start it again, same port, same data."""
        self.stop()
        self.start()

    def rabbitmqctl(self, *arguments: str, timeout: float = 60.0) -> str:
        """What `rabbitmqctl --quiet ARGUMENTS` prints."""
        command = [str(find_server().with_name("rabbitmqctl")), "--quiet", "--node", self.node_name, *arguments]
        try:
            done = subprocess.run(
                command, env=self._environment(), capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BrokerError(f"rabbitmqctl {' '.join(arguments)}: no answer in {timeout:.0f} s") from error
        if done.returncode != 0:
            raise BrokerError(f"rabbitmqctl {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def log_tail(self, lines: int = 25) -> str:
        """The last lines of what the node said, on its way up and in its log."""
        said: list[str] = []
        for path in (self.folder / "startup.log", self.folder / "node.log"):
            with contextlib.suppress(OSError):
                said += path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(said[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _write_files(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "node.conf").write_text(CONFIGURATION.format(port=self.port), encoding="utf-8")
        (self.folder / "environment.conf").write_text("", encoding="utf-8")
        (self.folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        cookie = self.folder / ".erlang.cookie"  # Erlang looks for it in HOME, and insists on its mode
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(secrets.token_hex(20), encoding="ascii")
            cookie.chmod(0o400)

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_")) and name not in ("CONF_ENV_FILE", "NOTIFY_SOCKET")
        }
        at = self.folder
        return inherited | {
            "HOME": str(at),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_AFLAGS": LOCAL_ERLANG,
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_NODENAME": self.node_name,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            # Ports for rabbitmqctl, one for each that runs at a time; by default all nodes of a machine share eleven.
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self._ctl_port),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self._ctl_port + 20),
            "RABBITMQ_CONF_ENV_FILE": str(at / "environment.conf"),  # in place of the machine's
            "RABBITMQ_CONFIG_FILE": str(at / "node.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(at / "none.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(at / "generated"),
            "RABBITMQ_MNESIA_BASE": str(at / "data"),
            "RABBITMQ_LOG_BASE": str(at),
            "RABBITMQ_LOGS": str(at / "node.log"),
            "RABBITMQ_PID_FILE": str(at / "node.pid"),
            # The script then becomes the node instead of waiting for it: one process less, and pid is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _start_keeper_and_epmd(self, epmd: Path) -> int:
        """Return the process group of both; after `kill` they are still there."""
        if self._keeper is not None and self._epmd is not None and self._epmd.poll() is None:
            return self._keeper.pid
        self.stop(grace=0)
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", "read -r nothing; kill -KILL 0"],
            stdin=subprocess.PIPE,  # closed by the kernel when this process ends, however it ends
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        self._epmd = subprocess.Popen(
            [str(epmd), "-port", str(self._epmd_port), "-address", "127.0.0.1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=self._keeper.pid,
        )
        self._wait_for("epmd", self._epmd_port, accepts_connections, self._epmd)
        return self._keeper.pid

    def _wait_for(self, name: str, port: int, ready: Callable[[int], bool], process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not ready(port):
            if process.poll() is not None:
                raise BrokerError(
                    f"{name} ended with code {process.returncode} instead of starting.\n{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise BrokerError(f"{name} is not ready after {START_TIMEOUT:.0f} s.\n{self.log_tail()}")
            time.sleep(0.05)


def find_server() -> Path:
    """The `rabbitmq-server` that any user may run."""
    for folder in SERVER_FOLDERS:
        if os.access(path := Path(folder, "rabbitmq-server"), os.X_OK):
            return path
    if found := shutil.which("rabbitmq-server"):
        return Path(found)
    raise BrokerError("there is no rabbitmq-server on this machine: script/bootstrap installs it")


def find_epmd() -> Path:
    """Erlang's name server; some packages keep it beside Erlang's own files, off the PATH."""
    if found := shutil.which("epmd") or shutil.which("epmd", path="/opt/homebrew/bin:/usr/local/bin"):
        return Path(found)
    if erl := shutil.which("erl"):
        for path in sorted(Path(erl).resolve().parents[1].glob("**/bin/epmd")):
            return path
    raise BrokerError("there is no epmd on this machine: it comes with Erlang, which rabbitmq-server needs")


def descendants(pid: int) -> list[int]:
    """The children of a process and theirs; empty where there is no /proc to read them from."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *descendants(child)]
    return found


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on.

    From below the range that outgoing connections are given (Linux from 32768, macOS from 49152): a port of that
    range can be taken while the node that owns it is down for a restart.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(range(20000, 32000), 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found.append(port)
            if len(found) == count:
                return found
    raise BrokerError("there are no free ports between 20000 and 32000 on 127.0.0.1")


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def accepts_guest(port: int) -> bool:
    """Whether guest can log in: a node may listen before it knows its accounts (AMQP 0-9-1, sections 2.2.4, 4.2.3)."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        connection.makefile("rb") as answers,
    ):
        connection.sendall(b"AMQP\x00\x00\x09\x01")
        read_method(answers)  # Connection.Start
        # Connection.Start-Ok: class and method, no client properties, mechanism, response, locale
        method = b"\x00\x0a\x00\x0b" + bytes(4) + b"\x05PLAIN" + b"\x00\x00\x00\x0c\x00guest\x00guest" + b"\x05en_US"
        connection.sendall(b"\x01\x00\x00" + len(method).to_bytes(4, "big") + method + b"\xce")
        return read_method(answers) == b"\x00\x0a\x00\x1e"  # Connection.Tune
    return False


def read_method(answers: IO[bytes]) -> bytes:
    """Class and method of the next AMQP frame; empty at the end of the stream."""
    size = int.from_bytes(answers.read(7)[3:], "big")
    return answers.read(size + 1)[:4]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one node in the foreground; 0 after a stop, 1 when it did not start or ended by itself."""
    parser = argparse.ArgumentParser(description="Run a private RabbitMQ node until told to stop.")
    parser.add_argument("folder", type=Path, help="where the node keeps its data and logs")
    parser.add_argument("--detached", action="store_true", help="outlive the process that started this one")
    chosen = parser.parse_args(arguments)
    parent = None if chosen.detached else os.getppid()

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # stopping is bounded in time and not to be cut short
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    broker = PrivateBroker(chosen.folder)
    try:
        broker.start()
        print(broker.url, flush=True)
        while broker.running and parent in (None, os.getppid()):
            time.sleep(0.2)
        if broker.running:
            return 0
        print(f"the private broker ended by itself.\n{broker.log_tail()}", file=sys.stderr)
    except BrokerError as error:
        print(error, file=sys.stderr)
    finally:
        broker.stop()
    return 1


if __name__ == "__main__":
    sys.exit(main())
