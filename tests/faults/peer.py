"""A v2 client from elsewhere, knowing nothing of our code: it says what a test tells it to, and keeps all it hears."""

import base64
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.contract.drawn_images import drawn
from tests.faults.ledger import Asked, Heard

SECONDS = 60.0  # of a wait for one message


class Peer:
    """One client over as many connections as it makes: the first says hello, the others resume.

    subprotocol: ocr.v2 or ocr.v2.msgpack. says_received: whether final answers are confirmed at once. reads: whether it
    takes what it is sent after the welcome.
    """

    def __init__(
        self, name: str, *, subprotocol: str = "ocr.v2", says_received: bool = True, reads: bool = True
    ) -> None:
        self.name = name
        self.says_received = says_received
        self.asked: dict[str, Asked] = {}
        self.stray: list[Heard] = []  # said of no request of ours
        self.closes: dict[int, tuple[int, str] | None] = {}  # by connection; None: without a close frame
        self.welcome: dict[str, Any] = {}
        self._subprotocol = subprotocol
        self._is_binary = subprotocol.endswith("msgpack")
        self.reads = reads
        self._open = contextlib.ExitStack()
        self._connection: ClientConnection | None = None
        self._number = 0
        self._listener: threading.Thread | None = None
        self._changed = threading.Condition()

    # Connections

    @property
    def client_uuid(self) -> str:
        return str(self.welcome.get("ClientUUID", ""))

    def connect(self, port: int, **changes: str) -> dict[str, Any]:
        """Connect to the gateway on `port`, resuming where there is something to resume; returns the welcome.

        changes: other values of the hello.
        """
        extra: dict[str, Any] = {} if self.reads else {"max_queue": 1}
        connecting = connect(
            f"ws://127.0.0.1:{port}",
            subprotocols=[Subprotocol(self._subprotocol)],
            compression=None,
            max_size=None,
            proxy=None,
            ping_interval=None,
            open_timeout=SECONDS,
            close_timeout=SECONDS,
            **extra,
        )
        connection = self._open.enter_context(connecting)
        assert connection.subprotocol == self._subprotocol
        if not self.reads:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        hello = {"ClientName": self.name}
        if self.welcome:
            hello |= {"ClientUUID": self.client_uuid, "ResumeKey": self.welcome["ResumeKey"]}
        connection.send(self._encoded(hello | changes))
        self._connection = connection  # an older one is left to the gateway, which replaces it
        self._number += 1
        self.welcome = self._decoded(connection.recv(SECONDS))
        assert "ResumeKey" in self.welcome, self.welcome
        if self.reads:
            self._listener = threading.Thread(target=self._listen, args=(connection, self._number), daemon=True)
            self._listener.start()
        return self.welcome

    def vanish(self) -> None:
        """Be gone without a word: an RST, as when the machine of a client has restarted."""
        if self._connection is not None:
            with contextlib.suppress(OSError):  # gone already
                linger_for_no_time = struct.pack("ii", 1, 0)
                self._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
                if not self.reads:  # a thread that waits until it can send more would keep the socket open
                    self._connection.socket.shutdown(socket.SHUT_RDWR)
            self._connection.close_socket()
            self._end()

    def close(self) -> None:
        """Say goodbye with 1000."""
        if self._connection is not None:
            self._connection.close()
            self._end()

    def _end(self) -> None:
        self._connection = None
        if self._listener is not None:
            self._listener.join(SECONDS)
            assert not self._listener.is_alive()
            self._listener = None

    @property
    def connections(self) -> int:
        """How many connections it has made."""
        return self._number

    def wait_for_close(self, *, of: int = 0, seconds: float = SECONDS) -> tuple[int, str] | None:
        """How the gateway has ended a connection (0: the last one): code and reason; None: without a close frame."""
        number = of or self._number
        self._wait(lambda: number in self.closes, f"connection {number} is closed", seconds)
        return self.closes[number]

    # Saying

    def ask_many(self, count: int) -> list[Asked]:
        """Send so many images more, shown as "Client 3 image 17", from 1 on."""
        return [self.ask(f"{self.name} image {len(self.asked) + 1}") for _ in range(count)]

    def ask(self, words: str, image: bytes | None = None, request_id: str = "", **options: Any) -> Asked:
        """Send an image; without `image` one that shows `words`. With `image` the answer's text is not known."""
        asked = Asked(
            request_id or words, f"{words}.png", image or drawn(words), None if image else words, options or None
        )
        self.asked[asked.request_id] = asked
        self.send(asked)
        return asked

    def send(self, asked: Asked) -> None:
        """Send a request, or send it again."""
        with self._changed:
            asked.sent.append((time.monotonic(), self._number))
        self.say_upload(asked.request_id, asked.name, asked.image, asked.options)

    def say_upload(self, request_id: str, name: str, image: bytes, options: dict[str, Any] | None = None) -> None:
        """Send an upload and keep no account of it."""
        upload: dict[str, Any] = {"ClientUUID": self.client_uuid, "ImageFileName": name, "RequestId": request_id}
        if self._is_binary:
            upload["ImageData"] = image
        else:
            upload["ImageBase64Data"] = base64.b64encode(image).decode()
        if options:
            upload["Options"] = options
        self._say(upload)

    def send_again(self) -> None:
        """What a client owes to itself after it has resumed: send once more what was not accepted, or was refused."""
        for asked in list(self.asked.values()):
            if not asked.finals and (asked.is_refused or not asked.is_accepted):
                self.send(asked)

    def received(self, request_ids: Iterable[str]) -> None:
        self._say({"ClientUUID": self.client_uuid, "Received": list(request_ids)})

    def cancel(self, request_ids: Iterable[str]) -> None:
        self._say({"ClientUUID": self.client_uuid, "Cancel": list(request_ids)})

    def _say(self, message: dict[str, Any]) -> None:
        assert self._connection is not None, "not connected"
        self._connection.send(self._encoded(message))

    # Hearing

    def wait_until(self, holds: Callable[[Asked], object], what: str, seconds: float = SECONDS, least: int = 0) -> None:
        """Return once `holds` of all requests (of at least `least`, if given); AssertionError with `what`."""

        def others() -> list[str]:
            return [asked.request_id for asked in self.asked.values() if not holds(asked)]

        with self._changed:
            is_so = self._changed.wait_for(
                lambda: len(self.asked) - len(others()) >= (least or len(self.asked)), seconds
            )
            assert is_so, f"not within {seconds:g} s: {what} of {self.name}; there are none of {others()}"

    def wait_accepted(self, seconds: float = SECONDS, least: int = 0) -> None:
        """Until PENDING has been said of all requests, or of so many."""
        self.wait_until(lambda asked: asked.is_accepted, "PENDING", seconds, least)

    def wait_answered(self, seconds: float = 60.0, least: int = 0) -> None:
        """Until all requests, or so many, have their final answer."""
        self.wait_until(lambda asked: asked.finals, "final answers", seconds, least)

    def _wait(self, holds: Callable[[], bool], what: str, seconds: float) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, seconds), f"not within {seconds:g} s: {what}"

    def _listen(self, connection: ClientConnection, number: int) -> None:
        close: tuple[int, str] | None = None
        try:
            while True:
                self._take(Heard(self._decoded(connection.recv()), time.monotonic(), number))
        except ConnectionClosed as closed:
            if closed.rcvd is not None:
                close = (closed.rcvd.code, closed.rcvd.reason)
        with self._changed:
            self.closes[number] = close
            self._changed.notify_all()

    def _take(self, heard: Heard) -> None:
        with self._changed:
            asked = self.asked.get(heard.message.get("RequestId", ""))
            (self.stray if asked is None else asked.heard).append(heard)
            self._changed.notify_all()
        if asked is not None and heard.is_final and self.says_received and heard.connection == self._number:
            with contextlib.suppress(ConnectionClosed):  # then it comes again, by the next connection
                self.received([asked.request_id])

    def _encoded(self, message: dict[str, Any]) -> bytes | str:
        return msgspec.msgpack.encode(message) if self._is_binary else json.dumps(message)

    def _decoded(self, frame: str | bytes) -> dict[str, Any]:
        if self._is_binary:
            assert isinstance(frame, bytes), "ocr.v2.msgpack is spoken in binary frames"
            message = msgspec.msgpack.decode(frame)
        else:
            assert isinstance(frame, str), "ocr.v2 is spoken in text frames"
            message = json.loads(frame)
        assert isinstance(message, dict)
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.vanish()
        self._open.close()
