"""What is said of deliveries, on a channel of paper: some of it may wait for more, none of it for ever."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
from pamqp import commands, frame

from websocket_server import deliveries
from websocket_server.deliveries import TOGETHER, Settling

if TYPE_CHECKING:
    from aiormq.abc import ChannelFrame


class PaperChannel:
    """What `Settling` uses of aiormq's channel."""

    def __init__(self) -> None:
        self.number = 1
        self.write_queue: asyncio.Queue[ChannelFrame] = asyncio.Queue(maxsize=1)
        self.is_closed = False

    async def written(self) -> list[tuple[str, int]]:
        """Of the next write, what is said and of which delivery."""
        written = await self.write_queue.get()
        written.drain()
        return list(_read(written.payload))


def _read(payload: bytes) -> Iterator[tuple[str, int]]:
    while payload:
        size, _, said = frame.unmarshal(payload)
        assert isinstance(said, commands.Basic.Ack | commands.Basic.Nack | commands.Basic.Reject)
        assert said.delivery_tag is not None
        yield type(said).__name__, said.delivery_tag
        payload = payload[size:]


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def _said_one() -> tuple[PaperChannel, Settling]:
    """A channel on which something has been written just now."""
    channel = PaperChannel()
    settling = Settling(cast("Any", channel), asyncio.Event())
    settling.acknowledge(1)
    assert await channel.written() == [("Ack", 1)]
    return channel, settling


@pytest.fixture
def long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "PAUSE", 3600.0)


@pytest.mark.usefixtures("long_pause")
def test_acknowledgements_wait_for_more_of_them() -> None:
    async def scenario() -> None:
        channel, settling = await _said_one()
        await _settle()
        for tag in range(2, TOGETHER + 1):
            settling.acknowledge(tag)
        await _settle()
        assert channel.write_queue.empty()
        settling.acknowledge(TOGETHER + 1)
        assert await channel.written() == [("Ack", tag) for tag in range(2, TOGETHER + 2)]
        settling.end()

    asyncio.run(scenario())


def test_but_not_for_long() -> None:
    async def scenario() -> None:
        channel, settling = await _said_one()
        await _settle()
        settling.acknowledge(2)
        assert await channel.written() == [("Ack", 2)]
        settling.end()

    asyncio.run(scenario())


@pytest.mark.usefixtures("long_pause")
def test_what_goes_back_is_said_at_once_and_with_it_what_was_to_be_said_before() -> None:
    async def scenario() -> None:
        channel, settling = await _said_one()
        await _settle()
        settling.acknowledge(2)
        settling.give_back(3)
        assert await channel.written() == [("Ack", 2), ("Nack", 3)]
        await _settle()
        settling.acknowledge(4)
        settling.reject(5)
        assert await channel.written() == [("Ack", 4), ("Reject", 5)]
        settling.end()

    asyncio.run(scenario())


@pytest.mark.usefixtures("long_pause")
def test_who_stops_waits_until_all_is_said() -> None:
    async def scenario() -> None:
        channel, settling = await _said_one()
        await _settle()
        settling.acknowledge(2)
        said = asyncio.create_task(settling.said())
        assert await channel.written() == [("Ack", 2)]
        await said
        settling.end()

    asyncio.run(scenario())
