"""How a request lies in the broker: its properties, and what the queues were declared with."""

import json
import time
from typing import Any

import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import ForeignAmqpPeer, ForeignClient, ForeignOcrServer
from tests.running import Services

SEVEN_DAYS_MS = 7 * 24 * 3600 * 1000


def queues_of(broker: PrivateBroker) -> dict[str, dict[str, Any]]:
    """Every queue's name, with whether it is durable and its arguments."""
    listed = broker.rabbitmqctl("list_queues", "--quiet", "--formatter", "json", "name", "durable", "arguments")
    return {queue["name"]: queue for queue in json.loads(listed)}


def arguments_of(queue: dict[str, Any]) -> dict[str, Any]:
    """The arguments, which rabbitmqctl gives as an object or as [name, type, value] each."""
    arguments = queue["arguments"]
    return arguments if isinstance(arguments, dict) else {name: value for name, _, value in arguments}


@pytest.mark.parametrize("queue_type", ["quorum", "classic", "transient"])
def test_a_request_is_persistent_json_with_an_id_a_time_and_the_gateways_result_queue(
    services: Services, broker: PrivateBroker, queue_type: str
) -> None:
    result_queue = f"result_queue.{queue_type}"
    gateway = services.gateway(f"RabbitMQ.queue_type={queue_type}", f"RabbitMQ.result_queue={result_queue}")
    before = int(time.time())
    with ForeignClient(gateway.port) as client, ForeignOcrServer(broker.port) as ocr_server:
        for name in ("1.png", "2.png"):
            client.upload(name, NO_IMAGE)
            client.hear_pending(name)
        images = [ocr_server.take_image(), ocr_server.take_image()]
    for image in images:
        assert image.properties.content_type == "application/json"
        assert image.properties.delivery_mode == 2
        assert image.properties.reply_to == result_queue
        assert image.properties.message_id
        timestamp = image.properties.timestamp
        assert timestamp is not None
        assert before <= timestamp <= time.time() + 1
        assert image.properties.expiration is None  # nothing accepted expires
    assert len({image.properties.message_id for image in images}) == 2


@pytest.mark.parametrize("queue_type", ["quorum", "classic"])
def test_durable_queues_are_bounded_and_refuse_rather_than_lose(
    services: Services, broker: PrivateBroker, queue_type: str
) -> None:
    services.gateway(f"RabbitMQ.queue_type={queue_type}")
    queues = queues_of(broker)
    pending = arguments_of(queues["pending_queue"])
    assert queues["pending_queue"]["durable"]
    assert queues["result_queue"]["durable"]
    assert pending.get("x-queue-type", "classic") == queue_type
    assert pending["x-max-length"] == 1000
    assert pending["x-max-length-bytes"] == 1073741824
    assert pending["x-overflow"] == "reject-publish"
    assert not {"x-message-ttl", "x-expires"} & set(pending), "nothing accepted expires"
    dead_letters = arguments_of(queues["dead_letter_queue"])
    assert queues["dead_letter_queue"]["durable"]
    assert dead_letters["x-message-ttl"] == SEVEN_DAYS_MS
    assert {"x-max-length", "x-max-length-bytes"} & set(dead_letters)
    assert dead_letters.get("x-overflow", "drop-head") == "drop-head"


def test_transient_queues_are_not_durable_and_have_no_arguments(services: Services, broker: PrivateBroker) -> None:
    services.gateway("RabbitMQ.queue_type=transient")
    queues = queues_of(broker)
    with ForeignAmqpPeer(broker.port) as peer:
        for name in ("pending_queue", "result_queue"):
            assert not queues[name]["durable"]
            # RabbitMQ 4 lists its default type as if it were an argument; the one that v1 peers declare is without.
            assert arguments_of(queues[name]).keys() <= {"x-queue-type"}
            peer.channel.queue_declare(name, durable=False)
