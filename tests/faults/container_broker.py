"""A RabbitMQ in a container, with the interface of `PrivateBroker`: the same tests run at either."""

import contextlib
import functools
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from private_broker import START_TIMEOUT, BrokerError, PrivateBroker, accepts_guest, free_ports

# As the private node's own: a nearly full disk of this machine is no reason to block publishers.
DISK_FREE_LIMIT = "10MB"


class ContainerBroker:
    """One node from `image`. Port and data stay the same over `stop`, `kill` and `start`; `close` removes both."""

    def __init__(self, image: str) -> None:
        self.image = image
        (self.port,) = free_ports(1)
        self._name = f"online-ocr-faults-{secrets.token_hex(4)}"
        self._is_created = False
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The AMQP URL, account and password included."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def running(self) -> bool:
        """Whether the container runs."""
        return self._is_created and _docker("inspect", "--format", "{{.State.Running}}", self._name).strip() == "true"

    def start(self) -> None:
        """Start the node and wait until a client can log in; does nothing when it runs already."""
        if self.running:
            return
        if self._is_created:
            _docker("start", self._name)
        else:
            # The node's name, and with it the folder of its data, comes from the host name.
            self._start_keeper()
            publish = f"127.0.0.1:{self.port}:5672"
            _docker("run", "--detach", "--name", self._name, "--hostname", "broker", "--publish", publish, self.image)
            self._is_created = True
        deadline = time.monotonic() + START_TIMEOUT
        while not accepts_guest(self.port):
            if not self.running or time.monotonic() > deadline:
                raise BrokerError(f"the broker's container does not get ready:\n{self.log_tail()}")
            time.sleep(0.1)
        self.rabbitmqctl("set_disk_free_limit", DISK_FREE_LIMIT)

    def stop(self) -> None:
        """Stop the node in order; safe to call twice, and before `start`."""
        if self._is_created:
            _docker("stop", "--time", "10", self._name)

    def kill(self) -> None:
        """SIGKILL the node, as a crash or a power cut would; `start` brings it back with what it had on disk."""
        _docker("kill", "--signal", "KILL", self._name)
        _docker("wait", self._name)

    def restart(self) -> None:
        """Stop the node and start it again, same port, same data."""
        self.stop()
        self.start()

    def rabbitmqctl(self, *arguments: str, timeout: float = 60.0) -> str:
        """What `rabbitmqctl --quiet ARGUMENTS` prints."""
        return _docker("exec", self._name, "rabbitmqctl", "--quiet", *arguments, timeout=timeout)

    def log_tail(self, lines: int = 25) -> str:
        """The last lines of what the node said."""
        return _docker("logs", "--tail", str(lines), self._name)

    def close(self) -> None:
        """Remove the container and its data."""
        if self._keeper is not None:
            assert self._keeper.stdin is not None
            self._keeper.stdin.close()
            self._keeper.wait(60)
            self._keeper = None
        self._is_created = False

    def _start_keeper(self) -> None:
        """A shell that removes the container when this process ends, however it ends."""
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", f"read -r nothing; exec docker rm --force --volumes {self._name}"],
            stdin=subprocess.PIPE,  # closed by the kernel at the latest
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


Broker = PrivateBroker | ContainerBroker


def new_broker(image: str | None, folder: Path) -> Broker:
    """A node that is not started yet: a private one in `folder`, or with `image` one in a container."""
    return PrivateBroker(folder) if image is None else ContainerBroker(image)


@functools.cache
def has_image(image: str) -> bool:
    """Whether a Docker engine runs here and has the image."""
    if shutil.which("docker") is None:
        return False
    with contextlib.suppress(BrokerError):
        _docker("image", "inspect", image)
        return True
    return False


def _docker(*arguments: str, timeout: float = 60.0) -> str:
    """What the docker command prints on both outputs. Raises BrokerError."""
    command = f"docker {' '.join(arguments)}"
    try:
        done = subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BrokerError(f"{command}: no answer in {timeout:.0f} s") from error
    if done.returncode != 0:
        raise BrokerError(f"{command}: {done.stdout.strip()}")
    return done.stdout
