"""Who goes on living while others misbehave: an OCR server that echoes, and good clients that count their answers."""

import json
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pika

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import ForeignClient
from tests.faults.peer import Peer
from tests.running import wait_until

STEP_SECONDS = 60.0


class EchoOcrServer:
    """Answers each image with its own name, from a thread of its own, as fast as it can."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="echo", daemon=True)
        self.failure: Exception | None = None
        self.answered = 0

    def _run(self) -> None:
        try:
            where = pika.ConnectionParameters("127.0.0.1", self._broker_port, heartbeat=0)
            with pika.BlockingConnection(where) as connection:
                channel = connection.channel()
                channel.basic_qos(prefetch_count=100)
                for method, properties, body in channel.consume("pending_queue", inactivity_timeout=0.1):
                    if method is not None and properties is not None and body is not None:
                        assert method.delivery_tag is not None
                        channel.basic_publish("", str(properties.reply_to), *_echo(properties, body))
                        channel.basic_ack(method.delivery_tag)
                        self.answered += 1
                    if self._stopped.is_set():
                        return
        except Exception as failure:  # noqa: BLE001 - shown by whoever asks for it
            self.failure = failure

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(STEP_SECONDS)
        assert not self._thread.is_alive()


def _echo(properties: pika.BasicProperties, body: bytes) -> tuple[bytes, pika.BasicProperties]:
    request = json.loads(body)
    answer = {key: request[key] for key in ("ClientUUID", "ImageFileName", "RequestId") if key in request}
    answer["OcrResult"] = request["ImageFileName"]
    return json.dumps(answer).encode(), pika.BasicProperties(correlation_id=properties.message_id)


class GoodClients:
    """A v1 client and two v2 clients that send one image after another, each in a thread, until they are stopped."""

    def __init__(self, gateway_port: int) -> None:
        self._port = gateway_port
        self._stopped = threading.Event()
        self._counts: dict[str, int] = {}
        self.failures: list[str] = []
        work = {"ocr.v1": self._v1, "ocr.v2": self._v2, "ocr.v2.msgpack": self._v2}
        self._threads = [
            threading.Thread(target=self._run, args=(name, one), name=name, daemon=True) for name, one in work.items()
        ]

    @property
    def answered(self) -> int:
        """How many images have come back, of all of them."""
        return sum(self._counts.values())

    def wait_for_more(self, count: int = 2) -> None:
        """Return once each of them has got `count` more answers; AssertionError where one does not."""
        wanted = {thread.name: self._counts.get(thread.name, 0) + count for thread in self._threads}
        wait_until(
            lambda: self.failures or all(self._counts.get(name, 0) >= most for name, most in wanted.items()),
            f"{count} more answers for each good client; there are {self._counts}",
        )
        assert not self.failures

    def _run(self, name: str, work: Callable[[str], None]) -> None:
        try:
            work(name)
        except Exception as failure:  # noqa: BLE001 - shown by whoever asks for it
            self.failures.append(name + ": " + "".join(traceback.format_exception(failure)))

    def _v1(self, name: str) -> None:
        with ForeignClient(self._port, name) as client:
            while not self._stopped.is_set():
                image = self._next_image(name)
                client.upload(image, NO_IMAGE)
                client.hear_pending(image)
                assert client.hear_text(image) == image
                self._count(name)

    def _v2(self, name: str) -> None:
        with Peer(name, subprotocol=name) as peer:
            peer.connect(self._port)
            while not self._stopped.is_set():
                image = self._next_image(name)
                asked = peer.ask(image, NO_IMAGE)
                peer.wait_until(lambda one: one.finals, "a final answer", STEP_SECONDS)
                assert [heard.kind for heard in asked.heard] == ["PENDING", "SUCCESS"], asked.heard
                assert asked.answer["OcrResult"] == asked.name
                assert not peer.stray, peer.stray
                self._count(name)
            peer.close()

    def _next_image(self, name: str) -> str:
        return f"{name} {self._counts.get(name, 0)}"

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
        self._stopped.wait(0.02)  # good clients leave the machine to the others

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(STEP_SECONDS)
            assert not thread.is_alive()


def peak_memory(pid: int) -> int:
    """The most memory in bytes that a process has had at a time."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc/{pid}/status has no VmHWM")
