"""What OCR servers announce reaches clients with their welcome; no image needs it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.foreign_peers import ForeignAmqpPeer
from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")


@pytest.fixture
def peer(broker: Broker) -> Iterator[ForeignAmqpPeer]:
    with ForeignAmqpPeer(broker.port) as connected:
        yield connected


def announce(peer: ForeignAmqpPeer, body: bytes | str) -> None:
    peer.channel.basic_publish("ocr.announce", "", body)


def announcement(server: str, languages: str, outputs: str) -> str:
    return f'{{"Server": "{server}", "Slots": 2, "Languages": {languages}, "Outputs": {outputs}, "Version": "9.9"}}'


def welcome(gateway: Gateway, subprotocol: str = "ocr.v2") -> dict[str, Any]:
    with ForeignClientV2(gateway.port, subprotocol) as client:
        return client.welcome


def test_the_welcome_has_the_languages_and_outputs_of_all_servers(services: Services, peer: ForeignAmqpPeer) -> None:
    gateway = services.gateway()
    assert (welcome(gateway)["Languages"], welcome(gateway)["Outputs"]) == ([], [])
    announce(peer, announcement("one", '["eng", "chi_tra"]', '["words", "tsv"]'))
    announce(peer, announcement("other", '["deu", "eng"]', '["tsv", "pdf"]'))
    wait_until(lambda: "deu" in welcome(gateway)["Languages"], "the announcements are heard")
    for subprotocol in SUBPROTOCOLS:
        told = welcome(gateway, subprotocol)
        assert told["Languages"] == ["eng", "chi_tra", "deu"]
        assert told["Outputs"] == ["words", "tsv", "pdf"]
    announce(peer, announcement("one", '["eng"]', '["words"]'))  # what a server says counts as it says it last
    wait_until(lambda: "chi_tra" not in welcome(gateway)["Languages"], "the newer announcement is heard")
    assert set(welcome(gateway)["Languages"]) == {"deu", "eng"}


def test_garbage_on_the_exchanges_is_ignored(services: Services, peer: ForeignAmqpPeer) -> None:
    gateway = services.gateway()
    for garbage in (b"", b"\xff\xfe", b"[]", b"null", b'{"Server": 7}', b'{"Slots": 2}', b'{"Languages": "x"}'):
        announce(peer, garbage)
        peer.channel.basic_publish("ocr.control", "", garbage)
    announce(peer, announcement("after", '["eng"]', "[]"))
    wait_until(lambda: welcome(gateway)["Languages"] == ["eng"], "the announcement after the garbage is heard")


@pytest.mark.parametrize("durable", [True, False])
def test_exchanges_that_are_there_already_are_used_as_they_are(
    services: Services, peer: ForeignAmqpPeer, broker: Broker, durable: bool
) -> None:
    for exchange in ("ocr.announce", "ocr.control"):
        peer.channel.exchange_delete(exchange)
        peer.channel.exchange_declare(exchange, "fanout", durable=durable)
    queue = peer.channel.queue_declare("", exclusive=True).method.queue
    peer.channel.queue_bind(queue, "ocr.control")
    gateway = services.gateway()
    announce(peer, announcement("one", '["eng"]', '["pdf"]'))
    wait_until(lambda: welcome(gateway)["Languages"] == ["eng"], "the announcement is heard")
    with ForeignClientV2(gateway.port) as client, ForeignOcrServerV2(broker.port) as ocr_server:
        client.upload("r1")
        client.hear_pending("r1")
        client.cancel("r1")
        client.hear_failed("r1", "CANCELLED")
        cancelled = peer.take_and_acknowledge(queue).message()
        assert cancelled == {"Cancel": {"ClientUUID": client.client_uuid, "RequestId": "r1"}}
        ocr_server.acknowledge(ocr_server.take_image_of("r1"))


def test_without_the_exchanges_images_are_read(services: Services, peer: ForeignAmqpPeer, broker: Broker) -> None:
    gateway = services.gateway()
    with ForeignClientV2(gateway.port) as client, ForeignOcrServerV2(broker.port) as ocr_server:
        for exchange in ("ocr.announce", "ocr.control"):
            peer.channel.exchange_delete(exchange)
        client.upload("r1")
        client.hear_pending("r1")
        client.cancel("r1")
        client.hear_failed("r1", "CANCELLED")
        for request_id in ("r2", "r3"):
            client.upload(request_id)
            client.hear_pending(request_id)
        ocr_server.acknowledge(ocr_server.take_image_of("r1"))
        for request_id in ("r2", "r3"):
            ocr_server.read(ocr_server.take_image_of(request_id), "read")
            client.hear_success(request_id, "read")
