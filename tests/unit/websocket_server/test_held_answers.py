"""When an answer in a held queue is acknowledged: when the queue survives its broker's sudden end, not before."""

import asyncio
import dataclasses
from typing import Any

from protocol.bodies import OcrAnswer
from websocket_server import held_queues
from websocket_server.held_answers import HeldAnswers
from websocket_server.held_queues import HeldQueues
from websocket_server.metrics import Metrics
from websocket_server.registry import Registry

SAFE_IN = 0.05
CLOCK = 0.001  # seconds by which a timer may be early


@dataclasses.dataclass
class FakeBroker:
    """Holds at once."""

    safe_in: float = SAFE_IN

    async def hold(self, *_: Any, **__: Any) -> float:
        return self.safe_in


@dataclasses.dataclass
class FakeDelivery:
    answer: OcrAnswer = dataclasses.field(default_factory=lambda: OcrAnswer("client", "image.png", "text"))
    is_live: bool = True
    acknowledged_at: float | None = None  # seconds of the loop's clock

    def acknowledge(self) -> None:
        self.acknowledged_at = asyncio.get_running_loop().time()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_an_answer_is_acknowledged_when_its_copy_is_safe() -> None:
    async def scenario() -> None:
        broker, delivery = FakeBroker(), FakeDelivery()
        held = HeldAnswers(Registry(), Metrics(), broker)  # type: ignore[arg-type]
        begun = asyncio.get_running_loop().time()
        held.hold(delivery, "r", is_pending_said=True)  # type: ignore[arg-type]
        await held.held()
        assert delivery.acknowledged_at is not None
        assert delivery.acknowledged_at >= begun + SAFE_IN - CLOCK

    asyncio.run(scenario())


def test_or_as_soon_as_its_client_has_it() -> None:
    async def scenario() -> None:
        first, again, other = (FakeDelivery() for _ in range(3))
        held = HeldAnswers(Registry(), Metrics(), FakeBroker(safe_in=3600))  # type: ignore[arg-type]
        for delivery, request_id in ((first, "r"), (again, "r"), (other, "s")):
            held.hold(delivery, request_id, is_pending_said=True)  # type: ignore[arg-type]
        await _settle()
        held.received(dataclasses.replace(first.answer, request_id="r"))
        held.received(dataclasses.replace(first.answer, request_id="r"))
        await _settle()
        assert [one.acknowledged_at is not None for one in (first, again, other)] == [True, True, False]
        held.received(dataclasses.replace(first.answer, request_id="s"))
        await held.held()
        assert other.acknowledged_at is not None

    asyncio.run(scenario())


def test_a_held_queue_is_safe_some_seconds_after_it_was_declared_for_the_first_time() -> None:
    any_: Any = None
    queues = HeldQueues(any_, any_, (), resume_window=600.0)
    safe_at = held_queues.ON_DISK_AFTER
    assert queues._on_disk_at("one", 0.0) == safe_at
    assert queues._on_disk_at("one", 500.0) == safe_at
    assert queues._on_disk_at("other", 500.0) == 500.0 + safe_at
    assert queues._on_disk_at("one", 600.0) == 600.0 + safe_at, "it may have expired, and be a new one"
