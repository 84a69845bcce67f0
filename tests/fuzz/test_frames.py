"""More than 15,000 frames that no client would send, in all three languages: each is answered or passed over, no
connection is lost by them, and good clients are served all the while.
"""

import random
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.fuzz.frames import SPEECHES, Mutations, Speech, generated
from tests.fuzz.living import STEP_SECONDS, GoodClients
from tests.running import Gateway

# In this order: hypothesis must not be at work while the threads of good clients draw from the same `random`.
pytestmark = pytest.mark.usefixtures("made_up", "good_clients")

CONNECTIONS, MUTATED_PER_CONNECTION = 50, 100
EXAMPLES, GENERATED_PER_EXAMPLE = 60, 10
assert len(SPEECHES) * (CONNECTIONS * MUTATED_PER_CONNECTION + EXAMPLES * GENERATED_PER_EXAMPLE) >= 15_000

V1_KEYS = {"ResponseMessage", "ImageFileName", "OcrResult"}
V2_KEYS = V1_KEYS | {"RequestId"}
FAILED_KEYS = V2_KEYS | {"ErrorCode", "ErrorMessage"}

speeches = pytest.mark.parametrize("speech", SPEECHES, ids=lambda one: one.subprotocol or "v1")


@pytest.fixture(scope="module")
def made_up() -> dict[Speech, list[list[bytes]]]:
    """Frames that hypothesis makes up, in lists of GENERATED_PER_EXAMPLE."""
    return {speech: made_up_of(speech) for speech in SPEECHES}


def made_up_of(speech: Speech) -> list[list[bytes]]:
    found: list[list[bytes]] = []
    lists = st.lists(generated(speech), min_size=GENERATED_PER_EXAMPLE, max_size=GENERATED_PER_EXAMPLE)

    @settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(lists)
    def make_up(frames: list[bytes]) -> None:
        found.append(frames)

    make_up()
    return found


class Abuser:
    """A connection that sends what it likes, and checks that all it hears are messages of the contract."""

    def __init__(self, port: int, speech: Speech) -> None:
        self._speech = speech
        self.client_uuid = ""
        self._answered: list[str] = []
        self.heard = 0
        self._open = ExitStack()
        connecting = connect(
            f"ws://127.0.0.1:{port}",
            subprotocols=[Subprotocol(speech.subprotocol)] if speech.subprotocol else None,
            compression=None,
            max_size=None,
            max_queue=None,  # it listens to nothing until the end
            proxy=None,
        )
        self._connection = self._open.enter_context(connecting)

    def send(self, frame: bytes, *, text: bool | None = None) -> None:
        """text: the kind of the frame; None: the right one."""
        self._connection.send(frame, text=not self._speech.is_binary if text is None else text)

    def hello(self) -> None:
        """Say hello, unless one of the frames was one."""
        self.send(self._speech.encode({"ClientName": "fuzz"}))
        self._hear_until(lambda message: bool(self.client_uuid))

    def end(self) -> None:
        """All frames so far are dealt with, and the connection is usable: an image is read."""
        mark = self._speech.encode({"ImageFileName": "the mark", "RequestId": "the mark"})  # an upload without an image
        self.send(mark)
        self._hear_until(
            lambda message: message.get("ImageFileName") == "the mark" and message["ResponseMessage"] == "FAILED"
        )
        if not self.client_uuid:
            self.hello()
        if self._speech.subprotocol:  # as many answers as may be are not Received yet
            received = {"ClientUUID": self.client_uuid, "Received": ["a.png", "b.png", *self._answered]}
            self.send(self._speech.encode(received))
        self.send(self._speech.encode(self._speech.upload(self.client_uuid, "the last")))
        self._hear_until(
            lambda message: message.get("ImageFileName") == "the last" and message["ResponseMessage"] == "SUCCESS"
        )

    def _hear_until(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        while True:
            frame = self._connection.recv(STEP_SECONDS, decode=False)
            message = self._speech.decode(frame)
            self._check(message)
            self.heard += 1
            if holds(message):
                return

    def _check(self, message: dict[str, Any]) -> None:
        kind, keys = message.get("ResponseMessage"), set(message)
        if kind is None:
            assert not self.client_uuid, "a second welcome"
            self.client_uuid = message["ClientUUID"]
            assert keys == {"ClientUUID"} or (self._speech.subprotocol and keys >= {"ClientUUID", "ResumeKey"})
        elif self._speech.subprotocol is None:
            assert keys == V1_KEYS
        elif kind == "FAILED":
            assert keys - {"RetryAfter"} == FAILED_KEYS
        else:
            assert kind in ("PENDING", "PROCESSING", "SUCCESS")
            assert keys >= V2_KEYS
            if kind == "SUCCESS":
                self._answered.append(message["RequestId"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


@speeches
def test_damaged_frames_cost_nobody_anything(gateway: Gateway, good_clients: GoodClients, speech: Speech) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where it fails
    chance = random.Random(seed)
    for number in range(CONNECTIONS):
        with Abuser(gateway.port, speech) as abuser:
            if number % 2:
                abuser.hello()
            mutations = Mutations(chance.randrange(2**32), speech, abuser.client_uuid)
            for _ in range(MUTATED_PER_CONNECTION):
                abuser.send(mutations.frame(), text=chance.random() < 0.5 if chance.random() < 0.1 else None)
            abuser.end()
            assert abuser.heard > MUTATED_PER_CONNECTION / 2  # most of them are refused, in words
    good_clients.wait_for_more()


@speeches
def test_made_up_frames_cost_nobody_anything(
    gateway: Gateway, good_clients: GoodClients, made_up: dict[Speech, list[list[bytes]]], speech: Speech
) -> None:
    assert len(made_up[speech]) >= EXAMPLES
    for number, frames in enumerate(made_up[speech]):
        with Abuser(gateway.port, speech) as abuser:
            if number % 2:
                abuser.hello()
            for frame in frames:
                abuser.send(frame)
            try:
                abuser.end()
            except Exception as error:
                error.add_note(f"after {frames!r}")
                raise
    good_clients.wait_for_more()


LARGE = 13 * 1024 * 1024  # as an upload of the largest image: a larger frame is refused for its size


def of_small_values(speech: Speech, client_uuid: str) -> list[bytes]:
    """Large frames that would be a hundred times as large as Python's objects."""
    if speech.is_binary:
        count = (LARGE // 3).to_bytes(4, "big")
        head, ids = (
            b"\x82\xaaClientUUID" + bytes([0xD9, len(client_uuid)]) + client_uuid.encode(),
            b"\xa2ab" * (LARGE // 3),
        )
        objects = b"\x80" * LARGE
        return [
            head + b"\xa8Received\xdd" + count + ids,
            head + b"\xa6Cancel\xdd" + count + ids,
            head + b"\xa7Options\x81\xa1a\xdd" + LARGE.to_bytes(4, "big") + objects,
            head + b"\xa5Other\xdd" + LARGE.to_bytes(4, "big") + objects,
        ]
    head, ids = f'{{"ClientUUID": "{client_uuid}", '.encode(), b'"ab",' * (LARGE // 5) + b'"ab"'
    objects = b"{}," * (LARGE // 3) + b"{}"
    return [
        head + b'"Received": [' + ids + b"]}",
        head + b'"Cancel": [' + ids + b"]}",
        head + b'"Options": {"a": [' + objects + b"]}}",
        head + b'"Other": [' + objects + b"]}",
    ]


@speeches
def test_large_frames_of_small_values_cost_nobody_anything(
    gateway: Gateway, good_clients: GoodClients, speech: Speech
) -> None:
    with Abuser(gateway.port, speech) as abuser:
        abuser.hello()
        for frame in of_small_values(speech, abuser.client_uuid):
            abuser.send(frame)  # what it costs in memory, the gateway's fixture looks at
        abuser.end()
    good_clients.wait_for_more()
