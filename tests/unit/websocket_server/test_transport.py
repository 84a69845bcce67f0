"""What the gateway's transport hands over, and what it keeps: frames by hand, without a socket."""

import asyncio
import gc
import struct
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest
from websockets.frames import Frame
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol

from websocket_server import inbox
from websocket_server import transport as module
from websocket_server.handshakes import Handshakes
from websocket_server.memory import Memory
from websocket_server.transport import Transport

TEXT, CONTINUATION, PING = 0x1, 0x0, 0x9
FIN = 0x80


class FakeSocket(asyncio.Transport):
    """asyncio's transport, as far as it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.reads_on = True
        self.writes: list[bytes] = []
        self.is_aborted = False

    @property
    def sent(self) -> bytes:
        return b"".join(self.writes)

    def get_write_buffer_size(self) -> int:
        return len(self.sent)

    def abort(self) -> None:
        self.is_aborted = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def pause_reading(self) -> None:
        self.reads_on = False

    def resume_reading(self) -> None:
        self.reads_on = True

    def is_closing(self) -> bool:
        return False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The end is not looked at."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """As some versions of CPython have it: nobody is told that the peer does not take it."""
        raise AssertionError(f"{list_of_data} without flow control")


class FakeOwner:
    def __init__(self) -> None:
        self.may_take = True
        self.messages: list[bytes] = []

    def take(self, message: bytes) -> None:
        self.messages.append(message)

    def taken(self) -> None:
        """Nothing is sent here."""


class FakeServer:
    """Takes the task of the handshake, which is left out."""

    def __init__(self) -> None:
        self.handler_tasks: set[Any] = set()

    async def handler(self, _: Any) -> None:
        """Nothing."""


def _open(owner: FakeOwner | None) -> tuple[Transport, FakeSocket, Memory]:
    protocol = ServerProtocol(max_size=1_000_000)
    memory, sock, server = Memory(1_000_000), FakeSocket(), FakeServer()
    made = Transport(1000, memory, Handshakes(), protocol, server)
    made.connection_made(sock)
    protocol.state, protocol.parser = State.OPEN, Protocol.parse(protocol)
    next(protocol.parser)
    made.request = Any  # type: ignore[assignment]
    made._inbox.owner = owner
    return made, sock, memory


def _frame(content: bytes, first: int = FIN | TEXT) -> bytes:
    if len(content) < 126:
        return struct.pack("!BB4x", first, 0x80 | len(content)) + content
    return struct.pack("!BBQ4x", first, 0xFF, len(content)) + content


def _run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def test_messages_are_handed_over_as_they_come_also_in_fragments() -> None:
    async def test() -> None:
        owner = FakeOwner()
        transport, _, memory = _open(owner)
        fragments = _frame(b"tw", TEXT) + _frame(b"", CONTINUATION) + _frame(b"o", FIN | CONTINUATION)
        stream = _frame(b"one") + fragments + _frame(b"three")
        for at in range(len(stream)):
            transport.data_received(stream[at : at + 1])
        assert owner.messages == [b"one", b"two", b"three"]
        assert memory.used == 0

    _run(test)


def test_nothing_is_handed_over_while_it_may_not_be_and_what_waits_is_counted_and_bounded() -> None:
    async def test() -> None:
        owner = FakeOwner()
        transport, sock, memory = _open(owner)
        owner.may_take = False
        for _ in range(inbox.FRAMES_READ_AHEAD):
            transport.data_received(_frame(b"four"))
        assert sock.reads_on
        transport.data_received(_frame(b"last"))
        assert not sock.reads_on
        assert (owner.messages, memory.used) == ([], 4 * (inbox.FRAMES_READ_AHEAD + 1))
        owner.may_take = True
        transport.go_on()
        await asyncio.sleep(0)
        assert owner.messages == [b"four"] * inbox.FRAMES_READ_AHEAD + [b"last"]
        assert (sock.reads_on, memory.used) == (True, 0)

    _run(test)


def test_a_connection_with_many_messages_lets_others_have_their_turn() -> None:
    async def test() -> None:
        owner = FakeOwner()
        transport, _, _ = _open(owner)
        count = 3 * inbox.AT_A_TIME
        transport.data_received(b"".join(_frame(b"%d" % number) for number in range(count)))
        assert len(owner.messages) == inbox.AT_A_TIME
        while len(owner.messages) < count:
            before = len(owner.messages)
            await asyncio.sleep(0)
            assert before < len(owner.messages) <= before + inbox.AT_A_TIME
        assert owner.messages == [b"%d" % number for number in range(count)]

    _run(test)


def test_what_has_come_before_the_end_is_handed_over_and_the_memory_is_given_back() -> None:
    async def test() -> None:
        owner = FakeOwner()
        transport, _, memory = _open(owner)
        owner.may_take = False
        transport.data_received(_frame(b"Received") + _frame(b"half")[:-1])
        transport.connection_lost(None)
        assert owner.messages == [b"Received"]
        assert memory.used == 0
        assert transport.ended.done()

    _run(test)


def test_too_many_fragments_end_the_connection() -> None:
    async def test() -> None:
        owner = FakeOwner()
        transport, sock, _ = _open(owner)
        transport.data_received(_frame(b"", TEXT) + _frame(b"", CONTINUATION) * inbox.MOST_FRAGMENTS)
        assert b"too many fragments" in sock.sent
        assert owner.messages == []

    _run(test)


def test_what_is_sent_together_is_one_write_so_that_a_peer_that_takes_nothing_is_noticed() -> None:
    async def test() -> None:
        transport, sock, _ = _open(FakeOwner())
        for text in (b"one", b"two"):
            transport.write(text, is_text=True)
        assert transport.flush()
        assert sock.writes == [b"\x81\x03one\x81\x03two"]

    _run(test)


def test_a_peer_that_lets_pongs_pile_up_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNTAKEN", 1000)

    async def test() -> None:
        transport, sock, _ = _open(FakeOwner())
        pings = _frame(b"ping", FIN | PING) * 100
        for _ in range(3):  # a peer that reads may have as many as it likes
            transport.data_received(pings)
        assert not sock.is_aborted
        transport.pause_writing()
        transport.data_received(pings)
        assert sock.is_aborted

    _run(test)


def _large_frames() -> list[Frame]:
    return [one for one in gc.get_objects() if isinstance(one, Frame) and len(one.data) >= 1000]


def test_a_large_message_leaves_nothing_behind() -> None:
    async def test() -> None:
        owner = FakeOwner()
        transport, _, _ = _open(owner)
        others = _large_frames()  # which other tests have left to the garbage collector
        transport.data_received(_frame(bytes(500_000)))
        owner.messages.clear()
        assert [one for one in _large_frames() if not any(one is other for other in others)] == []

    _run(test)
