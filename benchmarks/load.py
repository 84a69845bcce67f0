"""Latency against offered load: words are sent at a steady rate, whether or not answers come (an open loop).

The rates are parts of what the same stack and the same clients reach when they always have enough on their way (a
closed loop), measured at the beginning of each round. An image's time runs from the moment at which it was due, so
that a sender that is held up hides nothing.
"""

import contextlib
import itertools
import selectors
import statistics
import time
from collections.abc import Sequence
from typing import Final

from protocol.messages_v2 import Failure, Success

from . import machine, stack
from .figures import Curve, Figure, Points, percentile
from .images import Sample, words
from .raw_client import SECONDS, RawClient
from .scale import Scale
from .texts import check

CONNECTIONS, IN_FLIGHT = 4, 32
STEPS: Final = tuple(part / 10 for part in range(1, 12))
"""Parts of the greatest throughput that are offered."""

STEP_SECONDS, CLOSED_SECONDS, WARM_UP_SECONDS, REST = 4.0, 5.0, 2.0, 0.5
KNEE_FACTOR: Final = 3
"""The knee is the greatest offered load up to which p95 stays within so many times that of the lowest load."""

PERCENTILES: Final = (50, 95, 99)
NAME: Final = "latency"


def run(scale: Scale) -> Sequence[Figure | Curve]:
    """The knee, the percentiles at half load, and the curve."""
    steps = STEPS if not scale.is_quick else STEPS[::5]
    greatest: list[float] = []
    rounds: list[list[list[float]]] = []
    raw = "RabbitMQ.body=raw"
    of_gateway = (raw, "WebSocket.max_in_flight=10000")  # beyond the knee images wait in the queue, not at the client
    with (
        stack.running() as up,
        up.reading(raw, processes=machine.cores(), gateway_settings=of_gateway) as gateway,
        contextlib.ExitStack() as connected,
    ):
        clients = Clients([connected.enter_context(RawClient(gateway.port)) for _ in range(CONNECTIONS)])
        clients.greatest(scale.seconds(WARM_UP_SECONDS))
        for _ in range(scale.rounds):
            greatest.append(clients.greatest(scale.seconds(CLOSED_SECONDS)))
            rounds.append([clients.offered(part * greatest[-1], scale.seconds(STEP_SECONDS)) for part in steps])
    rate = statistics.median(greatest)
    lines: dict[str, Points] = {
        f"p{percent}": [
            (part * rate, 1000 * statistics.median(percentile(one[number], percent) for one in rounds))
            for number, part in enumerate(steps)
        ]
        for percent in PERCENTILES
    }
    return _told(steps, rounds, greatest, lines)


def knee(points: Points, factor: float = KNEE_FACTOR) -> float:
    """The greatest x up to which every y is within `factor` times the first one. points: in the order of x."""
    within = itertools.takewhile(lambda point: point[1] <= factor * points[0][1], points)
    return max(x for x, _ in within)


def _told(
    steps: Sequence[float], rounds: list[list[list[float]]], greatest: list[float], lines: dict[str, Points]
) -> Sequence[Figure | Curve]:
    knees = [knee([(part, percentile(times, 95)) for part, times in zip(steps, one, strict=True)]) for one in rounds]
    half = min(range(len(steps)), key=lambda number: abs(steps[number] - 0.5))
    at = f"latency of words at {steps[half]:.0%} of the load"
    bent = knee(lines["p95"])
    return [
        Figure("words, the clients of the open loop with enough on their way", "/s", greatest),
        Figure(
            "knee, as a part of that",
            "",
            knees,
            note=f"the greatest offered load up to which p95 is within {KNEE_FACTOR} times that at {steps[0]:.0%}",
        ),
        *(
            Figure(f"{at}, p{percent}", "ms", [1000 * percentile(one[half], percent) for one in rounds])
            for percent in PERCENTILES
        ),
        Curve(NAME, "offered load, words per second", "from due to answered, ms", lines, (bent, "knee")),
    ]


class Clients:
    """Connections that send words and check what comes back, in one thread."""

    def __init__(self, clients: Sequence[RawClient]) -> None:
        self._clients = clients
        self._samples = itertools.cycle(words())
        self._turns = itertools.cycle(clients)
        self._under_way: dict[str, tuple[Sample, float]] = {}
        self._selector = selectors.DefaultSelector()
        for client in clients:
            self._selector.register(client, selectors.EVENT_READ)

    def greatest(self, seconds: float) -> float:
        """Answers a second, with IN_FLIGHT images on their way at all times."""
        begun = time.perf_counter()
        for _ in range(IN_FLIGHT):
            self._send(begun)
        answered = 0
        while time.perf_counter() < begun + seconds:
            for _ in self._answers(SECONDS):
                answered += 1
                self._send(begun)
        rate = answered / (time.perf_counter() - begun)
        self._finish()
        return rate

    def offered(self, rate: float, seconds: float) -> list[float]:
        """Send so many a second for so long; seconds from when each was due to its answer."""
        time.sleep(REST)
        begun = time.perf_counter()
        times = []
        for number in range(max(1, round(rate * seconds))):
            due = begun + number / rate
            while (left := due - time.perf_counter()) > 0:
                times += self._answers(left)
            self._send(due)
        return times + self._finish()

    def _finish(self) -> list[float]:
        times = []
        while self._under_way:
            times += self._answers(SECONDS)
        return times

    def _send(self, due: float) -> None:
        sample = next(self._samples)
        self._under_way[next(self._turns).send(sample)] = sample, due

    def _answers(self, timeout: float) -> list[float]:
        """The times of the answers that come at once, or within `timeout` seconds if there are none now."""
        times = []
        for key, _ in self._selector.select(timeout):
            assert isinstance(key.fileobj, RawClient)
            for message in key.fileobj.heard():
                assert not isinstance(message, Failure), message
                if isinstance(message, Success):
                    sample, due = self._under_way.pop(message.request_id)
                    times.append(time.perf_counter() - due)
                    check(sample, message.ocr_result)
                    key.fileobj.received(message.request_id)
        return times
