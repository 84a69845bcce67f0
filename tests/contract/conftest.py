"""What the contract tests leave behind at the broker, and who removes it."""

from collections.abc import Iterator

import pytest

from tests.contract.foreign_peers import ForeignAmqpPeer
from tests.contract.foreign_peers_v2 import CLIENT_UUIDS
from tests.faults.container_broker import Broker


@pytest.fixture(scope="module")
def no_held_queues_left(broker: Broker) -> Iterator[None]:
    """Removes the held queues of a module's clients, which would stay for a resume_window."""
    yield
    with ForeignAmqpPeer(broker.port) as peer:
        while CLIENT_UUIDS:
            peer.channel.queue_delete(f"held.{CLIENT_UUIDS.pop()}")
