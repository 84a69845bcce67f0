"""One client's connection: what is sent together, what waits while the client does not read, who is idle or cut off."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from protocol import messages_v2 as v2
from protocol.codecs_v2 import JSON
from websocket_server import connection as module
from websocket_server.actions import Send
from websocket_server.close_codes import IDLE
from websocket_server.connection import Connection
from websocket_server.session_v2 import SessionV2
from websocket_server.watch import Watch


class FakeTransport:
    """Takes what it is sent until it is full."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = self
        self.last_data = self.loop.time()
        self.full_since = 0.0
        self.is_lost = self.is_aborted = False
        self.fills_up_at = 1_000_000_000  # bytes
        self.written: list[bytes] = []
        self.flushed: list[list[str]] = []
        self.pings = 0
        self.closed: tuple[int, str] | None = None
        self.is_closed = asyncio.Event()

    @property
    def can_write(self) -> bool:
        return not self.full_since

    def write(self, message: bytes, *, is_text: bool) -> None:
        assert is_text
        self.written.append(message)

    def flush(self) -> bool:
        if sum(map(len, self.written)) >= self.fills_up_at:
            self.full_since = self.loop.time()
        self.flushed.append([_text(frame) for frame in self.written])
        self.written = []
        return not self.full_since

    def empty(self, owner: Connection) -> None:
        """The client has taken what it was sent."""
        self.full_since = 0.0
        owner.taken()

    def go_on(self) -> None:
        """Nothing waits here."""

    def say_ping(self) -> None:
        self.pings += 1

    def abort(self) -> None:
        self.is_aborted = True

    async def close(self, code: int, reason: str) -> None:
        self.closed = code, reason
        self.is_closed.set()


def _text(frame: bytes) -> str:
    message = JSON.decode_gateway_message(frame)
    assert isinstance(message, v2.Success)
    return message.ocr_result


def _answer(text: str) -> Send:
    return Send(v2.Success("n.png", text, "1"), "message-id")


def _connection() -> tuple[Connection, Any]:
    transport: Any = FakeTransport()
    return Connection(transport, SessionV2(JSON, 1000), lambda _, __: None, 32), transport


def _run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def test_what_is_posted_in_one_turn_is_sent_together_and_in_order() -> None:
    async def test() -> None:
        connection, transport = _connection()
        connection.post([_answer("one"), _answer("two")])
        connection.post([_answer("three")])
        assert transport.flushed == []
        await asyncio.sleep(0)
        assert transport.flushed == [["one", "two", "three"]]
        assert connection.under_way == 0

    _run(test)


def test_much_is_not_kept_until_the_end_of_the_turn() -> None:
    async def test() -> None:
        connection, transport = _connection()
        connection.post([_answer("x" * module.FLUSH_AT), _answer("two")])
        assert len(transport.flushed) == 1
        await asyncio.sleep(0)
        assert transport.flushed[1:] == [["two"]]

    _run(test)


def test_what_a_client_does_not_take_waits_counts_as_unsent_and_goes_out_in_order() -> None:
    async def test() -> None:
        connection, transport = _connection()
        transport.fills_up_at = 10
        for number in range(4):
            connection.post([_answer(f"{number}")])
            await asyncio.sleep(0)
        assert transport.flushed == [["0"]]
        assert [one.ocr_result for one in connection.unsent] == ["0", "1", "2", "3"]
        assert connection.under_way == 4
        transport.fills_up_at = 1_000_000_000
        transport.empty(connection)
        await asyncio.sleep(0)
        assert transport.flushed[1:] == [["1", "2", "3"]]
        assert connection.unsent == []

    _run(test)


def test_only_some_of_what_waits_is_kept_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_ENCODED", 600)

    async def test() -> None:
        connection, transport = _connection()
        transport.full_since = transport.loop.time()
        texts = [f"{number}" * 400 for number in range(5)]
        connection.post(_answer(text) for text in texts)
        assert connection._outbox is not None
        assert [one.frame is None for one in connection._outbox] == [False, True, True, True, True]
        transport.empty(connection)
        await asyncio.sleep(0)
        assert [text for together in transport.flushed for text in together] == texts

    _run(test)


def test_a_client_that_lets_too_much_pile_up_is_cut_off_when_it_took_nothing_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "OUTBOX_BYTES", 1000)

    async def test() -> None:
        connection, transport = _connection()
        transport.full_since = transport.loop.time() - module.OUTBOX_PATIENCE + 5
        connection.post([_answer("x" * 2000)])
        assert not transport.is_aborted
        transport.full_since -= 5
        connection.post([_answer("one more")])
        assert transport.is_aborted

    _run(test)


def test_a_client_that_takes_nothing_is_cut_off_after_its_time() -> None:
    async def test() -> None:
        connection, transport = _connection()
        now = transport.full_since = transport.loop.time()
        due = connection.look(now, idle_timeout=1e6)
        assert due is not None
        assert due <= now + module.SEND_TIMEOUT
        assert connection.look(now + module.SEND_TIMEOUT, idle_timeout=1e6) is None
        assert transport.is_aborted

    _run(test)


def test_pings_go_out_at_their_interval_and_an_idle_connection_is_closed() -> None:
    async def test() -> None:
        connection, transport = _connection()
        now = transport.last_data
        assert connection.look(now, idle_timeout=50) == pytest.approx(now + module.PING_INTERVAL, abs=1)
        assert connection.look(now + 21, idle_timeout=50) == pytest.approx(now + 21 + module.PING_INTERVAL)
        assert transport.pings == 1
        assert connection.look(now + 42, idle_timeout=50) == pytest.approx(now + 50)
        assert connection.look(now + 50, idle_timeout=50) is None
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert transport.closed is not None
        assert transport.closed[0] == IDLE

    _run(test)


def test_the_watch_closes_those_that_are_idle_and_leaves_those_that_are_gone_alone() -> None:
    async def test() -> None:
        watch = Watch(idle_timeout=0.05)
        idle, gone = _connection(), _connection()
        watch.add(idle[0])
        watch.remove(watch.add(gone[0]))
        await asyncio.wait_for(idle[1].is_closed.wait(), 20)
        assert gone[1].closed is None

    _run(test)


def test_a_mistake_about_one_connection_leaves_the_others_watched(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        watch = Watch(idle_timeout=0.05)
        broken, idle = _connection(), _connection()
        watch.add(broken[0])
        watch.add(idle[0])
        broken[0].transport = None  # type: ignore[assignment]
        await asyncio.wait_for(idle[1].is_closed.wait(), 20)

    _run(test)
    assert "AttributeError" in caplog.text
