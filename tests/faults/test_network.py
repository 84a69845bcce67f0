"""Connections between any two processes are cut, reset, swallowed, slowed down and sliced."""

from collections.abc import Callable

import pytest

from tests.faults.proxy import Proxy
from tests.faults.stage import Stage
from tests.running import wait_until

LINKS = ["client to gateway", "gateway to broker", "OCR server to broker"]
# Of both services: a black hole is found by what does not come through it.
HEARTBEAT = "RabbitMQ.heartbeat=2"
SLOW_LINK = 0.05
SMALL_SLICES = 3


def cut(proxy: Proxy, progress: Callable[[str], None]) -> None:
    for _ in range(3):
        proxy.cut()
        progress("answers come after the cut")


def reset(proxy: Proxy, progress: Callable[[str], None]) -> None:
    for _ in range(3):
        proxy.reset()
        progress("answers come after the reset")


def black_hole(proxy: Proxy, progress: Callable[[str], None]) -> None:
    """Those who are connected hear nothing ever again; a new connection is let through at once."""
    proxy.black_hole()
    proxy.heal()


def slice_all(proxy: Proxy, progress: Callable[[str], None]) -> None:
    proxy.slice(SMALL_SLICES)
    progress("answers come in slices")
    proxy.heal()


def delay(proxy: Proxy, progress: Callable[[str], None]) -> None:
    proxy.latency(SLOW_LINK)
    progress("answers come late")
    proxy.heal()


FAULTS = {"cut": cut, "reset": reset, "black hole": black_hole, "slice": slice_all, "latency": delay}


# For a run that has little time.
QUICK = {("cut", LINKS[0])}


def _cells() -> list[object]:
    """Every fault on every link."""
    return [
        pytest.param(
            fault,
            link,
            marks=[] if (fault, link) in QUICK else [pytest.mark.slow],
            id=f"{fault}-{link}".replace(" ", "-"),
        )
        for fault in FAULTS
        for link in LINKS
    ]


@pytest.mark.fault("{fault}", "{link}")
@pytest.mark.parametrize(("fault", "link"), _cells())
def test_a_bad_connection_costs_time_only(stage: Stage, fault: str, link: str) -> None:
    to_broker = stage.proxy()
    gateway = stage.gateway(HEARTBEAT, via=to_broker if link == "gateway to broker" else None)
    stage.ocr_server(HEARTBEAT, via=to_broker if link == "OCR server to broker" else None, processes=2, pause=0.03)
    to_gateway = stage.proxy(gateway.port)
    proxy = to_gateway if link == "client to gateway" else to_broker
    programs = [stage.program(to_gateway.port, images=50) for _ in range(3)]
    peer = stage.peer(gateway.port)
    peer.ask_many(20)

    def progress(what: str) -> None:
        """Some more answers have come since this was called."""
        least = [min(len(one.answered) + 3, len(one.expected)) for one in programs]
        wait_until(
            lambda: all(len(one.answered) >= count for one, count in zip(programs, least, strict=True)),
            what,
            seconds=60,
        )

    progress("answers come")
    assert any(len(one.answered) < len(one.expected) for one in programs), "all is answered before the fault comes"
    FAULTS[fault](proxy, progress)
    stage.healed()
    stage.check()
