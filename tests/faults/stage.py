"""One stack for one fault: broker, proxies, services, clients; and the check of what must hold afterwards."""

import contextlib
import itertools
import os
import signal
import time
from pathlib import Path

from pika.exceptions import ChannelClosedByBroker

from tests.contract.foreign_peers import ForeignAmqpPeer
from tests.faults import invariants
from tests.faults.container_broker import Broker
from tests.faults.flood import Flood
from tests.faults.peer import Peer
from tests.faults.poison import bad_engine
from tests.faults.program import Program
from tests.faults.proxy import Proxy
from tests.running import Gateway, Service, Services, living_processes, wait_until


class Stage:
    """Whatever it starts it ends. A test calls `healed` when its fault is over, and `check` at its end."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self.services = Services(broker.port, folder)
        self.peers: list[Peer] = []
        self.programs: list[Program] = []
        self.recovery: tuple[float, float] | None = None
        self._open = contextlib.ExitStack()
        self._healed_at: float | None = None
        self._numbers = itertools.count(1)

    def proxy(self, target_port: int | None = None) -> Proxy:
        """A proxy; None: to the broker."""
        return self._open.enter_context(Proxy(target_port or self.broker.port))

    def gateway(self, *settings: str, via: Proxy | None = None, port: int | None = None) -> Gateway:
        """A gateway that is ready. via: the proxy by which it reaches the broker."""
        return self.services.gateway(*settings, *_broker_at(via), port=port)

    def again(self, gateway: Gateway, *settings: str) -> Gateway:
        """A gateway on the port of one that has ended, as its supervisor would start it."""
        return self.gateway(*settings, port=gateway.port)

    def ocr_server(
        self, *settings: str, via: Proxy | None = None, processes: int = 1, pause: float = 0.0, ready: bool = True
    ) -> Service:
        """An OCR server that listens, with the engine that is bad to some images. pause: seconds more for each."""
        environment = bad_engine(pause)
        return self.services.ocr_server(
            "tesseract_location.engine=tesserocr",  # "auto" would do without it in silence
            *settings,
            *_broker_at(via),
            processes=processes,
            ready=ready,
            extra_environment=environment,
        )

    def peer(self, port: int, *, subprotocol: str = "ocr.v2", says_received: bool = True, reads: bool = True) -> Peer:
        """A foreign client, connected."""
        name = f"Client {next(self._numbers)}"
        peer = Peer(name, subprotocol=subprotocol, says_received=says_received, reads=reads)
        self.peers.append(self._open.enter_context(peer))
        peer.connect(port)
        return peer

    def program(self, port: int, images: int, *, max_in_flight: int = 8, seconds: float = 120.0) -> Program:
        """A program with our client, at work."""
        program = Program(port, next(self._numbers), images, max_in_flight=max_in_flight, seconds=seconds)
        self._open.callback(program.end)
        self.programs.append(program)
        return program

    def flood(self, peer: Peer) -> Flood:
        """Have a client send more and more, at least until the test stops it."""
        return self._open.enter_context(Flood(peer))

    def waiting(self, queue: str) -> int:
        """Messages in the queue that nobody has been given; 0 where there is no such queue."""
        with ForeignAmqpPeer(self.broker.port) as peer:
            try:
                return peer.waiting(queue)
            except ChannelClosedByBroker:
                return 0

    def wait_held(self, peer: Peer, count: int) -> None:
        """Until so many answers of an absent client are in its held queue."""
        queue = f"held.{peer.client_uuid}"
        wait_until(lambda: self.waiting(queue) == count, f"{count} answers in {queue}")

    def kill(self, service: Service) -> None:
        """SIGKILL a service, not what it has started: that has to end by itself."""
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait()
        wait_until(lambda: not living_processes(service.process.pid), f"all processes of {service.module} have ended")

    def healed(self) -> None:
        """The fault is over: from now on the time counts within which all is well again."""
        self._healed_at = time.monotonic()

    def check(self) -> None:
        """All invariants; ends the clients and the services."""
        assert self._healed_at is not None, "a test says when its fault is over"
        peers, programs, healed_at = self.peers, self.programs, self._healed_at
        invariants.every_accepted_image_is_answered(peers, programs, healed_at)
        later = [at - healed_at for at in self._answer_times() if at > healed_at]
        self.recovery = (min(later), max(later)) if later else None
        invariants.all_of(
            lambda: invariants.one_answer_for_each_request(peers, programs),
            lambda: invariants.no_answer_reached_another_client(peers, programs),
            lambda: invariants.refusals_are_retryable_and_prompt(peers),
            lambda: invariants.nothing_waits_in_queues(self.broker, self._queues()),
            self._end_clients,
            lambda: invariants.nothing_is_left(self.services, self.broker, self._queues()),
        )

    def _queues(self) -> set[str]:
        # Not from rabbitmqctl: it takes seconds to start, and half a minute on a busy machine.
        return self.services.queues | {f"held.{peer.client_uuid}" for peer in self.peers}

    def _answer_times(self) -> list[float]:
        of_peers = [one.at for peer in self.peers for asked in peer.asked.values() for one in asked.finals]
        return of_peers + [one.at for program in self.programs for one in program.answered]

    def _end_clients(self) -> None:
        # Not the proxies: what a service still has to say to its broker goes through them.
        for peer in self.peers:
            peer.close()
        for program in self.programs:
            program.end()

    def close(self) -> None:
        """End what still runs, and make the broker as good as new."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.services.close)
            stack.callback(self._open.close)


def _broker_at(proxy: Proxy | None) -> list[str]:
    return [] if proxy is None else [f"RabbitMQ.port={proxy.port}"]
