"""What the OCR server counts, and the page that shows it: the only user of prometheus_client.

The supervisor counts, from what its processes tell it; GET /metrics on `[Metrics] host` and `port` shows it.
"""

import socket
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from . import control

WAITS: Final = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800)  # seconds; gateways give whole ones
READS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

SLOWEST_READER: Final = 10.0  # seconds until whoever asks for the page and does not take it is cut off


class PortTaken(Exception):
    """The page's port cannot be listened on; the message names the setting."""


class Metrics:
    """Counters of one OCR server; written in one thread, read in any."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._taken = Counter("ocr_images_taken", "Images that a process began with", registry=registry)
        self._answers = Counter("ocr_answers", "Answers that the broker has", ["outcome"], registry=registry)
        self._redelivered = Counter("ocr_redelivered", "Images that were delivered before", registry=registry)
        self._skipped = Counter("ocr_skipped", "Images that were cancelled before they were read", registry=registry)
        self._waits = Histogram(
            "ocr_queue_wait_seconds", "From the gateway to an OCR process", buckets=WAITS, registry=registry
        )
        self._reads = Histogram("ocr_read_seconds", "Reading an image", buckets=READS, registry=registry)
        self._restarts = Counter("ocr_process_restarts", "Processes that were replaced", ["reason"], registry=registry)
        self._processes = Gauge("ocr_processes", "Processes that run", registry=registry)
        self._connected = Gauge("ocr_processes_connected", "Processes that reach the broker", registry=registry)

    def count(self, message: control.FromProcess) -> None:
        """Count what a process has told."""
        match message:
            case control.Begun(_, asks, waited):
                self._taken.inc()
                if asks:
                    self._redelivered.inc()
                if waited is not None:
                    self._waits.observe(waited)
            case control.Ended(seconds) if seconds is not None:
                self._reads.observe(seconds)
            case control.Answered(outcome):
                self._answers.labels(outcome).inc()
            case control.Skipped():
                self._skipped.inc()

    def replaced(self, reason: str) -> None:
        """A process has ended, and the next one takes its place."""
        self._restarts.labels(reason).inc()

    def pool(self, processes: int, connected: int) -> None:
        """So many processes run, and so many of them reach the broker."""
        self._processes.set(processes)
        self._connected.set(connected)

    def page(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader that went away, or was cut off."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = SLOWEST_READER

    def log_message(self, *_: Any) -> None:
        """Say nothing: a page that is asked for every few seconds is no event."""


def serve(metrics: Metrics, host: str, port: int) -> WSGIServer:
    """Answer GET /metrics from now on, in threads of its own, until the server that is returned is closed.

    Raises PortTaken.
    """

    def answer(request: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        if request["REQUEST_METHOD"] != "GET" or request["PATH_INFO"] != "/metrics":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Here is only GET /metrics.\n"]
        start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [metrics.page()]

    try:
        server = make_server(host, port, answer, _Server6 if ":" in host else _Server, _Handler)
    except OSError as error:
        raise PortTaken(
            f"[Metrics] host = {host}, port = {port} cannot be listened on ({error.strerror or error}). "
            "Set another port, or 0 for no page."
        ) from error
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
