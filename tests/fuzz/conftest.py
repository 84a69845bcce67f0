"""What all of tests/fuzz shares: a gateway that must stay well, and good clients that it serves meanwhile."""

import sys
from collections.abc import Iterator

import pytest

from tests.faults.container_broker import Broker
from tests.fuzz.living import EchoOcrServer, GoodClients, peak_memory
from tests.running import Gateway, Services, http_status

MOST_GROWTH = 192 * 1024 * 1024
"""Bytes by which abuse may raise a gateway's peak of memory: some frames of twice the largest image at a time."""


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Iterator[Gateway]:
    """A gateway that is ready afterwards, has no traceback in its output, and has not grown without bound."""
    # Held queues of fuzzed clients go soon, and are cheap to make.
    running = module_services.gateway("WebSocket.resume_window=2", "RabbitMQ.queue_type=classic")
    peak = peak_memory(running.process.pid) if sys.platform == "linux" else 0
    yield running
    assert http_status(running.port, "/readyz") == 200
    assert "Traceback" not in running.output()
    if sys.platform == "linux":
        assert peak_memory(running.process.pid) - peak < MOST_GROWTH


@pytest.fixture(scope="module")
def echo(gateway: Gateway, broker: Broker) -> Iterator[EchoOcrServer]:
    with EchoOcrServer(broker.port) as server:
        yield server
    assert server.failure is None


@pytest.fixture(scope="module")
def good_clients(gateway: Gateway, echo: EchoOcrServer) -> Iterator[GoodClients]:
    """Each of them is answered throughout."""
    with GoodClients(gateway.port) as clients:
        clients.wait_for_more()
        yield clients
        clients.wait_for_more()
    assert not clients.failures
