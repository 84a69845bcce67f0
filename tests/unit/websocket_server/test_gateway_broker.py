"""What is said to a broker under alarm: nothing, since it would be read when nobody waits for it any more."""

import asyncio
from typing import Any

import pytest

from protocol.bodies import OcrAnswer, OcrRequest
from protocol.control import Cancelled
from protocol.errors import ErrorCode, Refusal
from settings.schema import RabbitMQ
from websocket_server import broker as module
from websocket_server.broker import Broker, NotHeld


class LinkUnderAlarm:
    """What `Broker` uses of a link; writes down what it is told."""

    def __init__(self) -> None:
        self.publisher = self.held = self.fanouts = self
        self.told: list[str] = []

    async def ready(self) -> None:
        await asyncio.Event().wait()

    async def publish(self, *_: Any) -> None:
        self.told.append("publish")

    async def hold(self, *_: Any, **__: Any) -> None:
        self.told.append("hold")

    async def cancel(self, *_: Any) -> None:
        self.told.append("cancel")


def test_under_an_alarm_nothing_is_published_held_or_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PUBLISH_TIMEOUT", 0.01)

    async def scenario() -> None:
        broker, link = Broker(RabbitMQ(), 600.0), LinkUnderAlarm()
        broker._link = link  # type: ignore[assignment]
        broker._ready.set()
        with pytest.raises(Refusal) as refused:
            await broker.publish("m1", OcrRequest("c", "n.png", b"x"))
        assert refused.value.code is ErrorCode.UNAVAILABLE
        with pytest.raises(NotHeld):  # it is tried again: a copy of each try would be in the held queue in the end
            await broker.hold(OcrAnswer("c", "n.png", "text"), is_pending_said=True)
        await broker.cancel(Cancelled("c"), 0.0)
        assert link.told == []

    asyncio.run(scenario())
