"""How the gateway ends what it has started."""

import asyncio

import pytest

from websocket_server import app


def test_a_task_that_swallows_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "CANCEL_AGAIN", 0.01)
    swallowed: list[str] = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.append("once")
        await asyncio.Event().wait()

    async def scenario() -> None:
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await app._end(task)
        assert task.cancelled()

    asyncio.run(scenario())
    assert swallowed == ["once"]


def test_what_ended_a_task_before_is_raised() -> None:
    async def failing() -> None:
        raise ValueError("why")

    async def scenario() -> None:
        task = asyncio.create_task(failing())
        await asyncio.sleep(0)
        await app._end(task)

    with pytest.raises(ValueError, match="why"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("host", "shown"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("ocr.example", "ocr.example")]
)
def test_where_it_listens_is_told_as_a_url(host: str, shown: str) -> None:
    assert app.url("ws", host, 8765) == f"ws://{shown}:8765"
