"""What another OCR process brings, against what it brings the in-process limit; and what another gateway brings."""

import contextlib
import functools
import os
import statistics
from collections.abc import Callable, Sequence
from typing import Final

from . import in_process, instant_engine, machine, stack
from .clients import Clients
from .figures import Curve, Figure, Points, Reach
from .images import Sample, pages, words
from .raw_client import RawClient
from .scale import Scale
from .throughput import LIMIT, RAW, through

PROCESSES: Final = (1, 2, 3, 4)
PAGES, WORDS = 32, 2000
STACK: Final = "whole stack"
PREPROCESS: Final = "auto"

CONNECTIONS, IN_FLIGHT, SECONDS, WARM_UP_SECONDS = 8, 16, 5.0, 2.0
IMAGE_BYTES: Final = 1000
LEAST_SHARE: Final = 0.4


def run(scale: Scale) -> Sequence[Figure | Curve]:
    """The gain of pages with a second process, the curve of pages and words, and two gateways."""
    with stack.running() as up:
        rates = _by_processes(up, scale, "pages", pages(), PAGES)
        if not scale.is_quick:
            rates |= _by_processes(up, scale, "words", words(), WORDS)
        through_stack, limit = (gain(rates, "pages", which) for which in (STACK, LIMIT))
        of_second = Figure("pages, gain of a second OCR process", "x", through_stack, Reach(0.97), limit, LIMIT)
        return [of_second, curve(rates), *_gateways(up, scale)]


Rates = dict[tuple[str, str, int], list[float]]
"""Images a second in each round, by what is read, what reads it, and with how many OCR processes."""


def _by_processes(up: stack.Stack, scale: Scale, what: str, samples: list[Sample], full: int) -> Rates:
    count = scale.count(full, len(samples))
    measured: dict[str, Callable[[], float]] = {}
    keys = {}
    for processes in PROCESSES if not scale.is_quick else PROCESSES[:2]:
        ours = functools.partial(through, up, samples, count, PREPROCESS, processes)
        limit = functools.partial(in_process.images_per_second, samples, count, processes, PREPROCESS)
        for which, measure in ((STACK, ours), (LIMIT, limit)):
            keys[f"{which}, {processes}"] = what, which, processes
            measured[f"{which}, {processes}"] = measure
    return {keys[name]: rounds for name, rounds in scale.alternating(measured).items()}


def gain(rates: Rates, what: str, which: str) -> list[float]:
    """How many times as much two processes read as one, in each round."""
    return [two / one for one, two in zip(rates[what, which, 1], rates[what, which, 2], strict=True)]


def curve(rates: Rates) -> Curve:
    """All in parts of what the limit reads with one process: words and pages are far apart."""
    medians = {key: statistics.median(rounds) for key, rounds in rates.items()}
    lines: dict[str, Points] = {}
    for what, which in dict.fromkeys((what, which) for what, which, _ in rates):
        one = medians[what, LIMIT, 1]
        found = [(processes, rate / one) for (a, b, processes), rate in medians.items() if (a, b) == (what, which)]
        lines[f"{what}, {which}"] = found
    unit = {what: medians[what, LIMIT, 1] for what, _, _ in rates}
    note = "1 is " + ", ".join(f"{rate:.3g} {what}/s" for what, rate in unit.items())
    y = "throughput, in-process limit of one = 1"
    return Curve("throughput", "OCR processes", y, lines, (machine.cores(), "cores"), note)


def _gateways(up: stack.Stack, scale: Scale) -> list[Figure]:
    sample = Sample("random.png", os.urandom(IMAGE_BYTES), instant_engine.ANSWER)
    settings = (RAW, "WebSocket.max_in_flight=10000")
    gateways = [up.services.gateway(*settings, f"RabbitMQ.result_queue=answers_{one}") for one in "ab"]
    ports = [gateway.port for gateway in gateways]
    shares = []

    def rate(ports: Sequence[int], seconds: float = SECONDS) -> float:
        with contextlib.ExitStack() as connected:
            clients = [connected.enter_context(RawClient(ports[one % len(ports)])) for one in range(CONNECTIONS)]
            rates = Clients(clients, [sample]).closed_loop(scale.seconds(seconds), IN_FLIGHT)
        if len(ports) > 1:
            shares.append(min(sum(rates[one :: len(ports)]) for one in range(len(ports))) / sum(rates))
        return sum(rates)

    with instant_engine.running(up.broker.port):
        rate(ports, WARM_UP_SECONDS)
        shares.clear()
        taken = scale.alternating({"one": lambda: rate(ports[:1]), "two": lambda: rate(ports)})
    note = f"1 KB images, {CONNECTIONS} connections, {CONNECTIONS * IN_FLIGHT} images on their way, an engine that "
    note += "answers at once"
    return [
        Figure("gateways 1 -> 2", "/s", taken["two"], Reach(1), taken["one"], "one gateway", note),
        Figure("share of the gateway of two that has less", "", shares, Reach(LEAST_SHARE)),
    ]
