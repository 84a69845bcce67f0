"""Two gateways behind a front, two OCR servers, one broker: what a storm kills, and starts again."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pika.exceptions import AMQPError
from private_broker import BrokerError

from tests.faults.container_broker import Broker, new_broker
from tests.faults.invariants import waiting
from tests.faults.poison import bad_engine
from tests.running import (
    Gateway,
    Service,
    Services,
    free_port,
    http_status,
    living_processes,
    ocr_processes,
    wait_until,
)
from tests.storm.front import Front
from tests.storm.schedule import Fault, Kind

GATEWAYS, OCR_SERVERS, PROCESSES = 2, 2, 2
SETTLED_SECONDS = 20.0
# RabbitMQ may lose a quorum queue that it has had for less than a second when it is killed.
QUEUES_ON_DISK_AFTER = 2.0

Tell = Callable[[str], None]


class Stack:
    """Started when it is entered; stopped, checked and removed when it is left. tell: hears what is done to it.

    pause: seconds more that each image takes.
    """

    def __init__(self, folder: Path, broker_image: str | None, pause: float, tell: Tell) -> None:
        self.broker: Broker = new_broker(broker_image, folder / "broker")
        self.services = Services(self.broker.port, folder / "services")
        self.front = Front()
        self.complaints: list[str] = []
        self._tell = tell
        self._pause = pause
        self._ports = [free_port() for _ in range(GATEWAYS)]
        self._gateways: dict[int, Gateway] = {}  # by number, those that are up
        self._ocr_servers: dict[int, Service] = {}
        self._lock = threading.RLock()
        self._healing: list[threading.Thread] = []
        self._is_broker_up = True
        (folder / "services").mkdir()

    # Starting

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.callback(self.front.close)
            stack.enter_context(self.broker)
            stack.callback(self._kill_everything)
            for number in range(OCR_SERVERS):
                self._start_ocr_server(number)
            for number in range(GATEWAYS):
                self._start_gateway(number)
            for gateway in self._gateways.values():
                gateway.wait_until_ready()
            for server in self._ocr_servers.values():
                server.wait_for_output("listening", times=PROCESSES)
            time.sleep(QUEUES_ON_DISK_AFTER)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _kill_everything(self) -> None:
        for healing in self._healing:
            healing.join()
        for service in self.services.started:
            service.kill()

    def _start_gateway(self, number: int) -> None:
        with self._lock:
            settings = f"RabbitMQ.result_queue=result_queue.{number + 1}"
            gateway = self.services.gateway(settings, ready=False, port=self._ports[number])
        gateway.wait_for(lambda: http_status(gateway.port, "/healthz") == 200, "GET /healthz is 200")
        with self._lock:
            self._gateways[number] = gateway
            self.front.up.append(gateway.port)

    def _start_ocr_server(self, number: int) -> None:
        with self._lock:
            # Whatever is killed here, no image is at fault.
            self._ocr_servers[number] = self.services.ocr_server(
                "tesseract_location.engine=tesserocr",  # "auto" would do without the pause in silence
                "ProcessPool.max_attempts=100",
                processes=PROCESSES,
                ready=False,
                extra_environment=bad_engine(self._pause),
            )

    # Faults

    def inflict(self, fault: Fault) -> bool:
        """Do it, and have a thread mend it later; False when nothing of that kind is up."""
        with self._lock:
            done = {
                Kind.OCR_PROCESS: self._kill_ocr_process,
                Kind.OCR_SERVER: self._kill_ocr_server,
                Kind.GATEWAY: self._kill_gateway,
                Kind.CONNECTIONS: self._cut_connections,
                Kind.BROKER: self._kill_broker,
            }[fault.kind](fault)
        if not done:
            self._tell(f"{fault.kind}: none is up")
        return done

    def _kill_ocr_process(self, fault: Fault) -> bool:
        pids = sorted(pid for server in self._ocr_servers.values() for pid in ocr_processes(server))
        if not pids:
            return False
        pid = pids[int(fault.choice * len(pids))]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self._tell(f"{fault.kind} ({pid})")
        return True

    def _kill_ocr_server(self, fault: Fault) -> bool:
        if not self._ocr_servers:
            return False
        number = sorted(self._ocr_servers)[int(fault.choice * len(self._ocr_servers))]
        server = self._ocr_servers.pop(number)
        self._kill(server)
        self._tell(f"{fault.kind} ({number + 1}), back in {fault.down} s")
        self._later(fault.down, f"OCR server {number + 1}", lambda: self._start_ocr_server(number))
        return True

    def _kill_gateway(self, fault: Fault) -> bool:
        if not self._gateways:
            return False
        number = sorted(self._gateways)[int(fault.choice * len(self._gateways))]
        gateway = self._gateways.pop(number)
        self.front.up.remove(gateway.port)
        self._kill(gateway)
        self._tell(f"{fault.kind} ({number + 1}), back in {fault.down} s")
        self._later(fault.down, f"gateway {number + 1}", lambda: self._start_gateway(number))
        return True

    def _cut_connections(self, fault: Fault) -> bool:
        count = self.front.cut_some(random.Random(fault.choice))
        self._tell(f"{fault.kind} ({count})")
        return bool(count)

    def _kill_broker(self, fault: Fault) -> bool:
        if not self._is_broker_up:
            return False
        self._is_broker_up = False
        self.broker.kill()
        self._tell(f"{fault.kind}, back in {fault.down} s")
        self._later(fault.down, "the broker", self._start_broker)
        return True

    def _start_broker(self) -> None:
        self.broker.start()
        self._is_broker_up = True

    def _kill(self, service: Service) -> None:
        """SIGKILL it alone: what it has started ends by itself, and is looked for at the end."""
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait()

    def _later(self, seconds: float, what: str, start: Callable[[], None]) -> None:
        def heal() -> None:
            time.sleep(seconds)
            try:
                start()
            except Exception as error:  # noqa: BLE001 - counted as a failure of the storm
                self.complaints.append(f"{what} does not come back: {error}")
                self._tell(self.complaints[-1])
            else:
                self._tell(f"{what} is back")

        thread = threading.Thread(target=heal, name=f"heals {what}", daemon=True)
        self._healing.append(thread)
        thread.start()

    # The end

    def heal(self) -> None:
        """Wait until all is up again."""
        for healing in self._healing:
            healing.join()

    def check(self) -> None:
        """Note as complaints what is left that should not be: messages, processes, temporary files."""
        self._complain_unless(self._queues_get_empty)
        self._complain_unless(self.services.stop)
        for service in self.services.started:
            pid = service.process.pid
            gone = f"the processes of a killed {service.module} end"
            self._complain_unless(lambda pid=pid, gone=gone: wait_until(lambda: not living_processes(pid), gone, 15))  # type: ignore[misc]
            self._complain_unless(service.assert_nothing_is_left)
            if "Traceback" in service.output():
                self.complaints.append(f"{service.module} printed a traceback:\n{_traceback(service.output())}")
        self._complain_unless(self._nothing_is_left)

    def _complain_unless(self, holds: Callable[[], None]) -> None:
        try:
            holds()
        except (AssertionError, TimeoutError, BrokerError, AMQPError) as error:
            self.complaints.append(str(error))

    def _queues_get_empty(self) -> None:
        queues = self.services.queues
        wait_until(lambda: not waiting(self.broker, queues), "all queues are empty", SETTLED_SECONDS)

    def _nothing_is_left(self) -> None:
        # What was delivered and not acknowledged is back in its queue, now that the services have ended.
        left = waiting(self.broker, self.services.queues)
        assert not left, f"messages are left: {left}"


def _traceback(output: str, characters: int = 3000) -> str:
    at = output.index("Traceback")
    return output[at : at + characters]
