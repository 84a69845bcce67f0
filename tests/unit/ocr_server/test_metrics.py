"""What is counted, and who gets to see it."""

import http.client
import re
from collections.abc import Iterator

import pytest

from ocr_server import control
from ocr_server.metrics import Metrics, PortTaken, serve


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def port(metrics: Metrics) -> Iterator[int]:
    server = serve(metrics, "127.0.0.1", 0)
    yield server.server_port
    server.shutdown()
    server.server_close()


def _values(metrics: Metrics) -> dict[str, float]:
    lines = metrics.page().decode().splitlines()
    return {found[1]: float(found[2]) for line in lines if (found := re.fullmatch(r"([^#\s]+) (\S+)", line))}


def test_what_processes_tell_is_counted(metrics: Metrics) -> None:
    for message in (
        control.Begun("a", asks=False, waited=3.0),
        control.Ended(0.2),
        control.Answered("SUCCESS"),
        control.Begun("b", asks=True),
        control.Ended(None),
        control.Answered("OCR_CRASHED"),
        control.Skipped(),
        control.Pong(),
    ):
        metrics.count(message)
    metrics.replaced("died")
    metrics.pool(4, 3)
    assert {
        name: value for name, value in _values(metrics).items() if not re.search("_bucket|_created|_sum", name)
    } == {
        "ocr_images_taken_total": 2,
        "ocr_redelivered_total": 1,
        "ocr_skipped_total": 1,
        'ocr_answers_total{outcome="SUCCESS"}': 1,
        'ocr_answers_total{outcome="OCR_CRASHED"}': 1,
        "ocr_queue_wait_seconds_count": 1,
        "ocr_read_seconds_count": 1,
        'ocr_process_restarts_total{reason="died"}': 1,
        "ocr_processes": 4,
        "ocr_processes_connected": 3,
    }


def _asked(port: int, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_page_shows_them(port: int) -> None:
    status, page = _asked(port, "GET", "/metrics")
    assert status == 200
    assert b"ocr_images_taken_total 0.0" in page


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/metrics/x"), ("POST", "/metrics"), ("DELETE", "/"), ("ODD", "/")]
)
def test_nothing_else_is_there(port: int, method: str, path: str) -> None:
    assert _asked(port, method, path)[0] == 404


def test_a_port_that_is_taken_is_named(port: int) -> None:
    with pytest.raises(PortTaken, match=rf"port = {port} cannot be listened on"):
        serve(Metrics(), "127.0.0.1", port)
