"""Latency against offered load: words are sent at a steady rate, whether or not answers come (an open loop).

The rates are parts of what the same stack and the same clients reach when they always have enough on their way (a
closed loop), measured at the beginning of each round. An image's time runs from the moment at which it was due, so
that a sender that is held up hides nothing.
"""

import contextlib
import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Final

from . import machine, stack
from .clients import Clients
from .figures import Curve, Figure, Points, percentile
from .images import words
from .raw_client import RawClient
from .scale import Scale

CONNECTIONS: Final = 4
IN_FLIGHT: Final = 8
"""Images on their way on each connection, in the closed loop."""

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
        connections = [connected.enter_context(RawClient(gateway.port)) for _ in range(CONNECTIONS)]
        clients = Clients(connections, words())
        clients.closed_loop(scale.seconds(WARM_UP_SECONDS), IN_FLIGHT)
        for _ in range(scale.rounds):
            greatest.append(sum(clients.closed_loop(scale.seconds(CLOSED_SECONDS), IN_FLIGHT)))
            rounds.append([])
            for part in steps:
                time.sleep(REST)
                rounds[-1].append(clients.open_loop(part * greatest[-1], scale.seconds(STEP_SECONDS)))
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
