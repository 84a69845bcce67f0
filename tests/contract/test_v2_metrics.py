"""`GET /metrics` of the gateway: it counts what has happened, and names nobody."""

import re
import urllib.request
from collections.abc import Iterator

import pytest

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import ForeignClient
from tests.contract.foreign_peers_v2 import ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway("WebSocket.max_in_flight=3", "WebSocket.resume_window=60")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


def page(gateway: Gateway) -> tuple[str, str]:
    """Content type and text."""
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/metrics", timeout=10) as response:
        return str(response.headers["Content-Type"]), response.read().decode("utf-8")


def samples(gateway: Gateway) -> dict[str, float]:
    """Each sample by its name with its labels, as in 'name{label="value"}'."""
    found = {}
    for line in page(gateway)[1].splitlines():
        if line and not line.startswith("#"):
            sample = SAMPLE.match(line)
            assert sample is not None, line
            labels = f"{{{sample['labels']}}}" if sample["labels"] else ""
            found[sample["name"] + labels] = float(sample["value"])
    return found


def at_rest(gateway: Gateway) -> dict[str, float]:
    """As `samples`, once all clients have gone, and their answers are Received or held."""

    def is_at_rest() -> bool:
        now = samples(gateway)
        return now["gateway_connections"] == now["gateway_answers_unreceived"] == 0

    wait_until(is_at_rest, "all have gone")
    return samples(gateway)


def grown(gateway: Gateway, before: dict[str, float]) -> dict[str, float]:
    """By how much the counts of the gateway have grown, of those that have."""
    now = samples(gateway)
    return {
        name: value - before.get(name, 0.0)
        for name, value in now.items()
        if name.startswith("gateway_") and "_bucket" not in name and value > before.get(name, 0.0)
    }


def test_the_page_is_prometheus_text(gateway: Gateway) -> None:
    content_type, text = page(gateway)
    assert content_type.startswith("text/plain; version=")
    assert "# HELP " in text
    assert "# TYPE " in text
    assert samples(gateway)


def test_a_known_exchange_is_counted(gateway: Gateway, ocr_server: ForeignOcrServerV2) -> None:
    before = at_rest(gateway)
    with ForeignClientV2(gateway.port) as client:
        client.upload("r1")
        client.hear_pending("r1")
        ocr_server.read(ocr_server.take_image_of("r1"), "read", ElapsedMs=250.0)
        client.hear_success("r1", "read")
        client.upload("r2")
        client.hear_pending("r2")
        ocr_server.fail(ocr_server.take_image_of("r2"), "UNSUPPORTED_IMAGE")
        client.hear_failed("r2", "UNSUPPORTED_IMAGE")
        client.upload("r3")
        client.hear_pending("r3")
        client.upload("r4")
        client.hear_failed("r4", "TOO_MANY_IN_FLIGHT", again=True)
        during = samples(gateway)
        client.received("r1", "r2")
        client.hear_nothing_more()
    assert during["gateway_images_in_flight"] - before["gateway_images_in_flight"] == 3
    at_rest(gateway)
    ocr_server.read(ocr_server.take_image_of("r3"), "held")
    ocr_server.wait_held(client.client_uuid, 1)
    wait_until(lambda: "gateway_answers_held_total" in grown(gateway, before), "the held answer is counted")
    counted = grown(gateway, before)
    assert counted["gateway_images_accepted_total"] == 3
    assert counted['gateway_answers_total{outcome="SUCCESS"}'] == 2
    assert counted['gateway_answers_total{outcome="UNSUPPORTED_IMAGE"}'] == 1
    assert counted['gateway_refusals_total{code="TOO_MANY_IN_FLIGHT"}'] == 1
    assert counted["gateway_answers_held_total"] == 1
    assert counted["gateway_queue_wait_seconds_count"] == 3
    assert counted["gateway_ocr_seconds_sum"] >= 0.25
    assert "gateway_answers_dropped_total" not in counted


def test_an_answer_to_a_v1_client_that_has_gone_is_counted_as_dropped(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    before = at_rest(gateway)
    with ForeignClient(gateway.port) as leaving:
        leaving.upload("late.png", NO_IMAGE)
        leaving.hear_pending("late.png")
        image = ocr_server.take_image()
    at_rest(gateway)
    ocr_server.answer(image, "too late", correlated=True)
    wait_until(lambda: "gateway_answers_dropped_total" in grown(gateway, before), "the dropped answer is counted")
    assert grown(gateway, before)["gateway_answers_dropped_total"] == 1


def test_neither_ids_nor_names_nor_codes_from_elsewhere_are_on_the_page(
    gateway: Gateway, ocr_server: ForeignOcrServerV2
) -> None:
    with ForeignClientV2(gateway.port) as client:
        client.upload("request-of-mine", name="secret name.png")
        client.hear_pending("request-of-mine", "secret name.png")
        ocr_server.fail(ocr_server.take_image_of("request-of-mine"), "CODE_OF_A_STRANGER")
        client.hear_failed("request-of-mine", "CODE_OF_A_STRANGER")
        text = page(gateway)[1]
    for word in (client.client_uuid, client.welcome["ResumeKey"], "request-of-mine", "secret", "STRANGER", "foreign"):
        assert word not in text
