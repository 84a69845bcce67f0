"""The queue `held.<ClientUUID>`: how it is declared, how long it stays, and that nothing else stays."""

from collections.abc import Iterator

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from tests.contract.foreign_peers_v2 import ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
RESUME_WINDOW = 4  # seconds, in which an answer is held and its queue looked at


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway(f"WebSocket.resume_window={RESUME_WINDOW}")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


def have_held(gateway: Gateway, ocr_server: ForeignOcrServerV2) -> str:
    """The ClientUUID of a client that is away and has an answer held."""
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    ocr_server.wait_held(client.client_uuid, 1)
    return client.client_uuid


def test_a_held_queue_is_durable_and_classic_and_expires_after_the_resume_window(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, broker: Broker
) -> None:
    queue = f"held.{have_held(gateway, ocr_server)}"
    arguments = {"x-queue-type": "classic", "x-expires": RESUME_WINDOW * 1000}
    ocr_server.channel.queue_declare(queue, durable=True, arguments=arguments)
    for durable, other in ((False, arguments), (True, arguments | {"x-expires": RESUME_WINDOW * 1000 + 1})):
        with ForeignOcrServerV2(broker.port) as peer, pytest.raises(ChannelClosedByBroker, match="PRECONDITION_FAILED"):
            peer.channel.queue_declare(queue, durable=durable, arguments=other)


def test_a_held_answer_is_persistent_and_says_what_the_result_queue_said(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    client_uuid = have_held(gateway, ocr_server)
    held = ocr_server.channel.basic_get(f"held.{client_uuid}", auto_ack=True)
    properties, body = held[1], held[2]
    assert isinstance(properties, pika.BasicProperties)
    assert properties.delivery_mode == 2
    assert properties.content_type == "application/json"
    assert body is not None
    assert b'"RequestId":"r1"' in body
    assert b'"OcrResult":"read"' in body


def test_when_the_resume_window_is_over_neither_queue_nor_answer_is_left(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, broker: Broker
) -> None:
    queue = f"held.{have_held(gateway, ocr_server)}"
    # Not by declaring it passively: that would renew its time.
    wait_until(lambda: queue not in broker.rabbitmqctl("list_queues", "name"), f"{queue} is gone")
    assert ocr_server.waiting("result_queue") == ocr_server.waiting("pending_queue") == 0


def test_a_held_queue_from_a_time_with_another_resume_window_is_used_as_it_is(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
        queue = f"held.{client.client_uuid}"
        arguments = {"x-queue-type": "classic", "x-expires": 600_000}
        ocr_server.channel.queue_declare(queue, durable=True, arguments=arguments)
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        back.hear_success("r1", "read")
        back.received("r1")
        back.hear_nothing_more()


def test_garbage_in_a_held_queue_disturbs_nobody(gateway: Gateway, ocr_server: ForeignOcrServerV2) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    image = ocr_server.take_image_of("r1")
    ocr_server.say_text(image, "read")
    ocr_server.wait_held(client.client_uuid, 1)
    ocr_server.publish(f"held.{client.client_uuid}", b"no message")
    ocr_server.publish(f"held.{client.client_uuid}", {"ClientUUID": client.client_uuid})
    ocr_server.acknowledge(image)
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        back.hear_success("r1", "read")
        back.received("r1")
        back.upload("r2")
        back.hear_pending("r2")
        ocr_server.read(ocr_server.take_image_of("r2"), "read too")
        back.hear_success("r2", "read too")


@pytest.mark.parametrize("request_id", ["r1", ""])
def test_anothers_answer_in_a_held_queue_does_not_come_again_and_again(
    request_id: str, gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    ocr_server.wait_held(client.client_uuid, 1)
    answer = {"ClientUUID": "another's", "ImageFileName": "a.png", "RequestId": request_id, "OcrResult": "read"}
    ocr_server.publish(f"held.{client.client_uuid}", answer)
    with ForeignClientV2(gateway.port, resumes=client.welcome) as back:
        back.hear_success("r1", "read")
        back.received("r1")
        gateway.wait_for_output(f"an answer for another client is removed from held.{client.client_uuid}")
