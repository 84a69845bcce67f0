"""Images on their way to the broker, on a channel of paper: confirmed, refused, cancelled, lost."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
from pamqp import commands, frame, header

from websocket_server import publisher as module
from websocket_server.amqp_frames import PublishFrames
from websocket_server.publisher import Publisher

if TYPE_CHECKING:
    from aiormq.abc import ChannelFrame


class PaperChannel:
    """What `Publisher` uses of aiormq's channel."""

    def __init__(self) -> None:
        self.number, self.max_content_size = 1, 1000
        self.delivery_tag = 0
        self.confirmations: dict[int, asyncio.Future[object]] = {}
        self.message_id_delivery_tag: dict[str, int] = {}
        self.write_queue: asyncio.Queue[ChannelFrame] = asyncio.Queue(maxsize=1)
        self.is_closed = False

    async def written(self) -> list[str]:
        """The message ids of the next write."""
        written = await self.write_queue.get()
        payload, found = written.payload, []
        while payload:
            size, _, read = frame.unmarshal(payload)
            payload = payload[size:]
            if isinstance(read, header.ContentHeader):
                found.append(str(read.properties.message_id))
        written.drain()
        return found

    async def close(self) -> None:
        self.is_closed = True

    def confirm(self, tag: int) -> None:
        self.confirmations.pop(tag).set_result(commands.Basic.Ack(tag))


def _publisher(channel: PaperChannel) -> Publisher:
    return Publisher(cast("Any", channel), "pending_queue", "result_queue")


def _publish(publisher: Publisher, message_id: str, body: bytes = b"x") -> asyncio.Task[None]:
    return asyncio.create_task(publisher.publish(message_id, body, {}, "c"))


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_images_of_one_moment_are_written_together_and_confirmed_each() -> None:
    async def scenario() -> None:
        channel = PaperChannel()
        publisher = _publisher(channel)
        one, other = _publish(publisher, "m1"), _publish(publisher, "m2")
        assert await channel.written() == ["m1", "m2"]
        assert channel.message_id_delivery_tag == {"m1": 1, "m2": 2}
        channel.confirm(2)
        await _settle()
        assert other.done()
        assert not one.done()
        channel.confirm(1)
        await one
        assert channel.message_id_delivery_tag == {}

    asyncio.run(scenario())


def test_what_comes_while_others_are_under_way_goes_out_together_when_these_are_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAUSE", 3600.0)

    async def scenario() -> None:
        channel = PaperChannel()
        publisher = _publisher(channel)
        first = _publish(publisher, "m1")
        assert await channel.written() == ["m1"]
        others = [_publish(publisher, "m2"), _publish(publisher, "m3")]
        await _settle()
        assert channel.write_queue.empty()
        channel.confirm(1)
        assert await channel.written() == ["m2", "m3"]
        channel.confirm(2)
        channel.confirm(3)
        await asyncio.gather(first, *others)

    asyncio.run(scenario())


def test_or_when_there_are_enough_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 3600.0)

    async def scenario() -> None:
        channel = PaperChannel()
        publisher = _publisher(channel)
        tasks = [_publish(publisher, "m1")]
        await channel.written()
        names = [f"more {number}" for number in range(module.TOGETHER)]
        tasks += [_publish(publisher, name) for name in names]
        assert await channel.written() == names
        publisher.end()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())


def test_or_a_moment_later_though_nothing_is_confirmed() -> None:
    async def scenario() -> None:
        channel = PaperChannel()
        publisher = _publisher(channel)
        tasks = [_publish(publisher, "m1")]
        await channel.written()
        tasks.append(_publish(publisher, "m2"))
        assert await channel.written() == ["m2"]
        publisher.end()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())


def test_a_refused_image_raises_what_the_channel_says() -> None:
    async def scenario() -> None:
        channel = PaperChannel()
        task = _publish(_publisher(channel), "m1")
        await channel.written()
        channel.confirmations.pop(1).set_exception(KeyError("refused"))
        with pytest.raises(KeyError, match="refused"):
            await task

    asyncio.run(scenario())


def test_what_is_cancelled_before_it_is_written_is_not_written_and_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 1)

    async def scenario() -> None:
        channel = PaperChannel()
        publisher = _publisher(channel)
        tasks = [_publish(publisher, f"m{number}") for number in (1, 2, 3)]
        await _settle()
        tasks[1].cancel()
        await _settle()
        assert [await channel.written(), await channel.written()] == [["m1"], ["m3"]]
        assert channel.message_id_delivery_tag == {"m1": 1, "m3": 2}
        channel.confirm(1)
        channel.confirm(2)
        await asyncio.gather(tasks[0], tasks[2])

    asyncio.run(scenario())


def test_with_the_channel_all_that_is_not_confirmed_is_lost_written_or_not() -> None:
    async def scenario() -> None:
        channel = PaperChannel()
        publisher = _publisher(channel)
        written = _publish(publisher, "m1")
        await channel.written()
        unwritten = _publish(publisher, "m2")
        publisher.end()
        later = _publish(publisher, "m3")
        for task in (written, unwritten, later):
            with pytest.raises(ConnectionError):
                await task

    asyncio.run(scenario())


def test_on_a_closed_channel_nothing_is_written() -> None:
    async def scenario() -> None:
        channel = PaperChannel()
        channel.is_closed = True
        with pytest.raises(ConnectionError):
            await _publish(_publisher(channel), "m1")
        assert channel.write_queue.empty()

    asyncio.run(scenario())


def test_a_mistake_in_between_closes_the_channel_since_the_count_may_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        channel = PaperChannel()
        publisher = _publisher(channel)
        monkeypatch.setattr(PublishFrames, "of", lambda *_: [b"frames", None])
        task = _publish(publisher, "m1")
        await _settle()
        assert channel.is_closed
        assert channel.write_queue.empty()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
