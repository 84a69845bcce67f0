"""The page that Prometheus reads."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from protocol.errors import ErrorCode
from websocket_server.metrics import Metrics


def _values(metrics: Metrics) -> dict[str, float]:
    page, content_type = asyncio.run(metrics.page())
    assert content_type.startswith("text/plain")
    families = list(text_string_to_metric_families(page.decode("utf-8")))
    assert all(family.name.startswith(("gateway_", "process_")) for family in families)
    assert all(family.documentation for family in families)
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_event_has_its_count() -> None:
    metrics = Metrics()
    for event in (
        metrics.accepted,
        metrics.redelivered,
        metrics.held,
        metrics.dropped,
        metrics.repeated,
        metrics.broker_reconnected,
    ):
        event()
    metrics.answered("SUCCESS")
    metrics.answered("OCR_TIMEOUT")
    metrics.refused("QUEUE_FULL")
    metrics.waited(0.2)
    metrics.read(2.0)
    values = _values(metrics)
    for name in (
        "gateway_images_accepted_total",
        "gateway_answers_redelivered_total",
        "gateway_answers_held_total",
        "gateway_answers_dropped_total",
        "gateway_answers_repeated_total",
        "gateway_broker_reconnects_total",
        "gateway_answers_total{SUCCESS}",
        "gateway_answers_total{OCR_TIMEOUT}",
        "gateway_refusals_total{QUEUE_FULL}",
        "gateway_queue_wait_seconds_count",
        "gateway_ocr_seconds_count",
    ):
        assert values[name] == 1, name
    assert values["gateway_queue_wait_seconds_sum"] == 0.2
    assert values["gateway_ocr_seconds_sum"] == 2.0


def test_known_codes_are_there_before_they_happen() -> None:
    values = _values(Metrics())
    assert all(values[f"gateway_refusals_total{{{code}}}"] == 0 for code in ErrorCode)
    assert values["gateway_answers_total{SUCCESS}"] == 0


def test_codes_that_others_make_up_share_one_series() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.answered(f"MADE_UP_{number}")
        metrics.refused(f"MADE_UP_{number}")
    values = _values(metrics)
    assert values["gateway_answers_total{OTHER}"] == values["gateway_refusals_total{OTHER}"] == 1000
    assert not [name for name in values if "MADE_UP" in name]


def test_gauges_are_asked_when_the_page_is_made() -> None:
    metrics, seen = Metrics(), {"connections": 1.0}
    metrics.watch(
        connections=lambda: seen["connections"],
        clients=lambda: 2,
        in_flight=lambda: 3,
        held_deliveries=lambda: 4,
        buffered_bytes=lambda: 5,
        broker_ready=lambda: True,
    )
    seen["connections"] = 7.0
    values = _values(metrics)
    assert [
        values[f"gateway_{name}"]
        for name in (
            "connections",
            "clients",
            "images_in_flight",
            "answers_unreceived",
            "buffered_bytes",
            "broker_ready",
        )
    ] == [7, 2, 3, 4, 5, 1]


def test_two_gateways_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.accepted()
    assert _values(other)["gateway_images_accepted_total"] == 0
