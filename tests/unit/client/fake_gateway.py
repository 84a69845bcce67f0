"""A small gateway on a free port, v1 or v2: a real WebSocket server that answers as the test tells it to."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from protocol.messages import PENDING_TEXT

SECONDS = 20.0
"""Longest wait for anything in these tests; nothing comes near it unless something is wrong."""

Behaviour = Callable[["Visit", str], None]


class Visit:
    """One connection at the gateway, the `number`th from 1."""

    def __init__(self, connection: ServerConnection, number: int, request_ids: dict[str, str]) -> None:
        self.connection = connection
        self.number = number
        self.hello: dict[str, Any] = {}
        self.client_name = ""
        self.client_uuid = ""
        self._request_ids = request_ids

    @property
    def subprotocol(self) -> str | None:
        return self.connection.subprotocol

    def send(self, message: object) -> None:
        if isinstance(message, str | bytes):
            self.connection.send(message)
        elif self.subprotocol == "ocr.v2.msgpack":
            self.connection.send(msgspec.msgpack.encode(message))
        else:
            self.connection.send(json.dumps(message))

    def read_message(self, frame: str | bytes) -> dict[str, Any]:
        message: dict[str, Any] = msgspec.msgpack.decode(frame) if isinstance(frame, bytes) else json.loads(frame)
        return message

    def say(self, response: str, name: str, text: str = PENDING_TEXT, **facts: object) -> None:
        """facts: what v2 adds. RequestId is that of the last upload with this name."""
        message: dict[str, object] = {"ResponseMessage": response, "ImageFileName": name, "OcrResult": text}
        if self.subprotocol is not None:
            message["RequestId"] = self._request_ids.get(name, "")
            if response == "FAILED":
                message |= {"ErrorCode": "UNSUPPORTED_IMAGE", "ErrorMessage": text}
        self.send(message | facts)

    def read(self, name: str, text: str | None = None) -> None:
        """As a gateway does it when all goes well."""
        self.say("PENDING", name)
        self.say("SUCCESS", name, f"text of {name}\n" if text is None else text)

    def welcome(self, client_uuid: str, *, resumed: bool = False, **facts: object) -> None:
        self.client_uuid = client_uuid
        if self.subprotocol is None:
            self.send({"ClientUUID": client_uuid})
        else:
            key = f"key of {client_uuid}"
            self.send({"ClientUUID": client_uuid, "ResumeKey": key, "Resumed": resumed, "MaxInFlight": 32} | facts)

    def close(self, code: int, reason: str = "") -> None:
        self.connection.close(code, reason)

    def cut(self) -> None:
        """End the connection without a close frame, as a gateway that is killed."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)


def read(visit: Visit, name: str) -> None:
    visit.read(name)


def read_but(unlucky: str, behaviour: Behaviour) -> Behaviour:
    """Reads every image but one, with which it does something else."""
    return lambda visit, name: behaviour(visit, name) if name == unlucky else read(visit, name)


def damaged(visit: Visit, name: str) -> None:
    visit.say("FAILED", name, "It is damaged.")


def cut(visit: Visit, _: str) -> None:
    visit.cut()


def silence(_visit: Visit, _name: str) -> None:
    """What a gateway says that has lost an image."""


def greet(visit: Visit, hello: dict[str, Any]) -> None:
    """As a gateway does it: whoever has the right key keeps the ClientUUID."""
    client_uuid = hello.get("ClientUUID", "")
    if not client_uuid:
        visit.welcome(f"uuid-{visit.number}")
    elif hello["ResumeKey"] == f"key of {client_uuid}":
        visit.welcome(client_uuid, resumed=True)
    else:
        visit.say("FAILED", "", "The key is wrong.", ErrorCode="BAD_CLIENT_UUID")


class FakeGateway:
    """Greets each client, then does for each image what `on_image` says.

    subprotocols: of v2, those that it speaks; without any it is a v1 gateway. visits: the clients that said hello.
    """

    def __init__(self, *subprotocols: str) -> None:
        self.subprotocols = subprotocols
        self.on_image: Behaviour = read
        self.on_hello: Callable[[Visit], None] = lambda visit: greet(visit, visit.hello)
        self.on_words: Callable[[Visit, dict[str, Any]], None] = lambda _visit, _message: None
        self.uploads: list[tuple[int, str]] = []
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.close_codes: list[int] = []
        self.visits = 0
        self.url = ""
        self.port = 0
        self.present = 0
        self._request_ids: dict[str, str] = {}
        self._changed = threading.Condition(threading.RLock())

    def select(self, _connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((one for one in offered if one in self.subprotocols), None)

    def handle(self, connection: ServerConnection) -> None:
        with self._changed:
            self.present += 1
        try:
            self._converse(connection)
        except (ConnectionClosed, OSError, EOFError):
            pass
        finally:
            with self._changed:
                if connection.close_code is not None:
                    self.close_codes.append(connection.close_code)
                self.present -= 1
                self._changed.notify_all()

    def _converse(self, connection: ServerConnection) -> None:
        frame = connection.recv()
        with self._changed:
            self.visits += 1
            visit = Visit(connection, self.visits, self._request_ids)
            assert connection.request is not None
            self.headers.append(dict(connection.request.headers.raw_items()))
        visit.hello = visit.read_message(frame)
        visit.client_name = visit.hello["ClientName"]
        self.messages.append(visit.hello)
        self.on_hello(visit)
        for frame in connection:
            message = visit.read_message(frame)
            with self._changed:
                self.messages.append(message)
                self._changed.notify_all()
            if "ImageFileName" in message:
                name = message["ImageFileName"]
                with self._changed:
                    self.uploads.append((visit.number, name))
                    self._request_ids[name] = message.get("RequestId", "")
                self.on_image(visit, name)
            elif "ClientName" in message:
                visit.hello = message
                self.on_hello(visit)
            else:
                self.on_words(visit, message)

    def said(self, key: str) -> list[Any]:
        """What was said under a key, in the order in which it came."""
        with self._changed:
            return [message[key] for message in self.messages if key in message]

    def name_of(self, request_id: str) -> str:
        """The image that came last with this RequestId."""
        with self._changed:
            names = [one["ImageFileName"] for one in self.messages if one.get("RequestId") == request_id]
            return str(names[-1])

    def wait_until_said(self, key: str, times: int = 1) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.said(key)) >= times, SECONDS), f"no {key}"
            return self.said(key)

    def wait_until_all_are_gone(self) -> None:
        """At least one client was here, and none is now."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.visits and not self.present, SECONDS)

    @property
    def names(self) -> list[str]:
        """The images in the order in which they came."""
        return [name for _, name in self.uploads]


@contextmanager
def running(gateway: FakeGateway, port: int = 0) -> Iterator[Server]:
    """Serve on the port, 0 being a free one, until the end."""

    def select(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return gateway.select(connection, offered)  # looked up each time: a test may have put another one in its place

    with serve(
        gateway.handle, "127.0.0.1", port, select_subprotocol=select, compression=None, max_size=10_000
    ) as server:
        gateway.port = server.socket.getsockname()[1]
        gateway.url = f"ws://127.0.0.1:{gateway.port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(SECONDS)
            assert not thread.is_alive()
