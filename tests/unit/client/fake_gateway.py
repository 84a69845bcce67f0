"""A small v1 gateway on a free port: a real WebSocket server that answers as the test tells it to."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from protocol.messages import PENDING_TEXT

SECONDS = 20.0
"""Longest wait for anything in these tests; nothing comes near it unless something is wrong."""

Behaviour = Callable[["Visit", str], None]


class Visit:
    """One connection at the gateway, the `number`th from 1."""

    def __init__(self, connection: ServerConnection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.client_name = ""

    def send(self, message: object) -> None:
        self.connection.send(message if isinstance(message, str) else json.dumps(message))

    def say(self, response: str, name: str, text: str = PENDING_TEXT) -> None:
        self.send({"ResponseMessage": response, "ImageFileName": name, "OcrResult": text})

    def read(self, name: str, text: str | None = None) -> None:
        """As a gateway does it when all goes well."""
        self.say("PENDING", name)
        self.say("SUCCESS", name, f"text of {name}\n" if text is None else text)

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


class FakeGateway:
    """Greets each client, then does for each image what `on_image` says."""

    def __init__(self) -> None:
        self.on_image: Behaviour = read
        self.on_hello: Callable[[Visit], None] = lambda visit: visit.send({"ClientUUID": f"uuid-{visit.number}"})
        self.uploads: list[tuple[int, str]] = []
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.visits = 0
        self.url = ""
        self.port = 0
        self.present = 0
        self._changed = threading.Condition()

    def handle(self, connection: ServerConnection) -> None:
        with self._changed:
            self.visits += 1
            self.present += 1
            visit = Visit(connection, self.visits)
            assert connection.request is not None
            self.headers.append(dict(connection.request.headers.raw_items()))
        try:
            self._converse(visit)
        except (ConnectionClosed, OSError, EOFError):
            pass
        finally:
            with self._changed:
                self.present -= 1
                self._changed.notify_all()

    def _converse(self, visit: Visit) -> None:
        hello = json.loads(visit.connection.recv())
        visit.client_name = hello["ClientName"]
        self.messages.append(hello)
        self.on_hello(visit)
        for frame in visit.connection:
            message = json.loads(frame)
            with self._changed:
                self.messages.append(message)
                self.uploads.append((visit.number, message["ImageFileName"]))
            self.on_image(visit, message["ImageFileName"])

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
    with serve(gateway.handle, "127.0.0.1", port, compression=None, max_size=10_000) as server:
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
