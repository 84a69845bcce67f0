"""A gateway that stops while it waits for held queues to be safe."""

import pytest

from tests.contract.foreign_peers_v2 import ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")

MANY = 100
"""Answers. A quorum queue takes 32 acknowledgements at a time; those that wait in a channel are lost with it."""


def test_what_a_stopping_gateway_has_held_does_not_come_again(services: Services, broker: Broker) -> None:
    gateway = services.gateway(f"WebSocket.max_in_flight={MANY}")
    with ForeignOcrServerV2(broker.port) as server:
        client = ForeignClientV2(gateway.port)
        for number in range(MANY):
            client.upload(f"r{number}")
        images = [server.take_image() for _ in range(MANY)]
        client.vanish()
        for image in images:
            server.read(image, "read")
        server.wait_held(client.client_uuid, MANY)
        gateway.stop()
        assert server.waiting("result_queue") == 0
        assert server.held(client.client_uuid) == MANY
