"""What the gateway counts, in the form that Prometheus reads. The only user of prometheus_client here.

Labels take words of a fixed list only: each new value would be kept for ever, and some come from other programs.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from protocol.errors import ErrorCode

SUCCESS: Final = "SUCCESS"
OTHER: Final = "OTHER"
"""Stands for an error code that an OCR server from elsewhere has made up."""

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""From a word of 2 ms to a page that had to wait behind a full queue."""

Value = Callable[[], float]


class Metrics:
    """Counts since the start, and gauges that are asked for their values when a page is made."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # they double the page for nothing
        registry = self._registry = CollectorRegistry()
        self._of_process = CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._of_process)  # memory, processor time, open files; Linux only
        self._accepted = Counter("gateway_images_accepted", "Images that the broker has confirmed.", registry=registry)
        self._answered = Counter(
            "gateway_answers", "Final answers to accepted images, by outcome.", ["outcome"], registry=registry
        )
        self._refused = Counter(
            "gateway_refusals", "FAILED before PENDING, by error code.", ["code"], registry=registry
        )
        self._redelivered = Counter(
            "gateway_answers_redelivered", "Answers that the broker has handed over before.", registry=registry
        )
        self._held = Counter("gateway_answers_held", "Answers moved to a held queue.", registry=registry)
        self._dropped = Counter(
            "gateway_answers_dropped", "Answers nobody waits for: v1 clients that have gone.", registry=registry
        )
        self._repeated = Counter(
            "gateway_answers_repeated", "Answers to what was answered or cancelled already.", registry=registry
        )
        self._waited = Histogram(
            "gateway_queue_wait_seconds",
            "From acceptance to PROCESSING, or to the answer where none is said.",
            buckets=SECONDS,
            registry=registry,
        )
        self._read = Histogram(
            "gateway_ocr_seconds", "Engine time, as OCR servers say.", buckets=SECONDS, registry=registry
        )
        self._reconnects = Counter(
            "gateway_broker_reconnects", "Connections to the broker after the first.", registry=registry
        )
        # Known ones are there from the start: a rate needs a value before the first event.
        self._refused_by_code = {str(code): self._refused.labels(code) for code in ErrorCode}
        self._answered_by_outcome = {str(one): self._answered.labels(one) for one in (SUCCESS, *ErrorCode)}

    def watch(
        self,
        *,
        connections: Value,
        clients: Value,
        in_flight: Value,
        held_deliveries: Value,
        buffered_bytes: Value,
        broker_ready: Value,
    ) -> None:
        """Where the gauges get their values; called once. clients: those that are away included."""
        for name, description, value in (
            ("connections", "Open connections.", connections),
            ("clients", "Clients that are known, those away included.", clients),
            ("images_in_flight", "Images that are accepted and not yet Received.", in_flight),
            ("answers_unreceived", "Answers that are un-acknowledged at the broker until Received.", held_deliveries),
            ("buffered_bytes", "Bytes of images that the broker has not confirmed.", buffered_bytes),
            ("broker_ready", "1 while images can be published and answers taken, else 0.", broker_ready),
        ):
            Gauge(f"gateway_{name}", description, registry=self._registry).set_function(value)

    def accepted(self) -> None:
        """The broker has confirmed an image."""
        self._accepted.inc()

    def answered(self, outcome: str) -> None:
        """A final answer went out. outcome: SUCCESS or an error code."""
        (self._answered_by_outcome.get(outcome) or self._answered.labels(OTHER)).inc()

    def refused(self, code: str) -> None:
        """A message or an image was refused before PENDING."""
        (self._refused_by_code.get(code) or self._refused.labels(OTHER)).inc()

    def redelivered(self) -> None:
        """The broker has handed an answer over once more."""
        self._redelivered.inc()

    def held(self) -> None:
        """An answer was moved to a held queue."""
        self._held.inc()

    def dropped(self) -> None:
        """An answer came that nobody waits for."""
        self._dropped.inc()

    def repeated(self) -> None:
        """An answer came to what was answered or cancelled already."""
        self._repeated.inc()

    def waited(self, seconds: float) -> None:
        """An image was read this long after its acceptance."""
        self._waited.observe(seconds)

    def read(self, seconds: float) -> None:
        """The engine took this long."""
        self._read.observe(seconds)

    def broker_reconnected(self) -> None:
        """The connections to the broker are there again."""
        self._reconnects.inc()

    async def page(self) -> tuple[bytes, str]:
        """The page for GET /metrics, and its content type."""
        ours = prometheus_client.generate_latest(self._registry)
        # It goes through the list of open files, which takes 6 ms where there are ten thousand.
        of_process = await asyncio.to_thread(prometheus_client.generate_latest, self._of_process)
        return ours + of_process, prometheus_client.CONTENT_TYPE_LATEST
