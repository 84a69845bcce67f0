"""GET /metrics at a live gateway: each event is counted once, and the gauges are back where they began."""

import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import ForeignClient
from tests.contract.foreign_peers_v2 import ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services, wait_until

AT_REST = {
    "gateway_connections": 0.0,
    "gateway_clients": 0.0,
    "gateway_images_in_flight": 0.0,
    "gateway_answers_unreceived": 0.0,
    "gateway_buffered_bytes": 0.0,
    "gateway_broker_ready": 1.0,
}


def metrics(gateway: Gateway) -> dict[str, float]:
    """The samples of the page; labels in braces."""
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/metrics", timeout=10) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        page = answer.read().decode("utf-8")
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def wait_for(gateway: Gateway, **expected: float) -> None:
    """Until the page says so. Names without their prefix; a label after a double underscore."""

    def holds() -> bool:
        page = metrics(gateway)
        return all(page[_name(name)] == value for name, value in expected.items())

    try:
        wait_until(holds, f"{expected}", seconds=20)
    except TimeoutError as error:
        page = metrics(gateway)
        raise AssertionError(f"{error}; there is { ({name: page.get(_name(name)) for name in expected}) }") from None


def _name(name: str) -> str:
    name, _, label = name.partition("__")
    return f"gateway_{name}{{{label}}}" if label else f"gateway_{name}"


@pytest.fixture
def gateway(services: Services) -> Gateway:
    return services.gateway("WebSocket.resume_window=5")  # seconds, in which a page and an answer come and go


def test_what_happens_to_images_and_answers_is_counted(gateway: Gateway, broker: Broker) -> None:
    assert {name: value for name, value in metrics(gateway).items() if name in AT_REST} == AT_REST
    with ForeignOcrServerV2(broker.port) as ocr_server:
        with ForeignClientV2(gateway.port) as client:
            wait_for(gateway, connections=1)
            client.upload("read")
            client.hear_pending("read")
            wait_for(gateway, images_accepted_total=1, images_in_flight=1, answers_unreceived=0, buffered_bytes=0)
            image = ocr_server.take_image_of("read")
            ocr_server.say(image, Status="PROCESSING")
            client.hear_pending("read", kind="PROCESSING")
            wait_for(gateway, queue_wait_seconds_count=1)
            ocr_server.read(image, "Hello\n", ElapsedMs=1500.0)
            client.hear_success("read", "Hello\n")
            wait_for(gateway, answers_total__SUCCESS=1, answers_unreceived=1, ocr_seconds_count=1, ocr_seconds_sum=1.5)
            client.received("read")
            wait_for(gateway, images_in_flight=0, answers_unreceived=0, queue_wait_seconds_count=1)
            ocr_server.say_text(image, "Hello\n")
            wait_for(gateway, answers_repeated_total=1, answers_total__SUCCESS=1)

            client.upload("bad")
            client.hear_pending("bad")
            ocr_server.fail(ocr_server.take_image_of("bad"), "UNSUPPORTED_IMAGE")
            client.hear_failed("bad", "UNSUPPORTED_IMAGE")
            client.received("bad")
            wait_for(gateway, answers_total__UNSUPPORTED_IMAGE=1)
            client.say("no message")
            client.hear_failed("", "BAD_MESSAGE")
            wait_for(gateway, refusals_total__BAD_MESSAGE=1, images_accepted_total=2)

            client.upload("held")
            client.hear_pending("held")
            image = ocr_server.take_image_of("held")
        wait_for(gateway, connections=0, clients=1, images_in_flight=1)
        ocr_server.read(image, "Held\n")
        wait_for(gateway, answers_held_total=1, answers_unreceived=0, answers_total__SUCCESS=2)
        wait_for(gateway, clients=0, images_in_flight=0)

        with ForeignClient(gateway.port) as v1_client:
            v1_client.upload("a.png", NO_IMAGE)
            v1_client.hear_pending("a.png")
            image = ocr_server.take_image()
        wait_for(gateway, connections=0)
        ocr_server.read(image, "late\n")
        wait_for(gateway, answers_dropped_total=1, answers_total__SUCCESS=2, images_accepted_total=4)
    assert {name: value for name, value in metrics(gateway).items() if name in AT_REST} == AT_REST


def test_a_broker_that_was_away_is_seen(gateway: Gateway, broker: Broker) -> None:
    wait_for(gateway, broker_ready=1, broker_reconnects_total=0)
    broker.rabbitmqctl("close_all_connections", "a test")
    wait_for(gateway, broker_ready=1, broker_reconnects_total=1)
