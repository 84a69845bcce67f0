"""A v1 WebSocket gateway from elsewhere for our client program: selects no subprotocol and reads every image itself."""

import contextlib
import json
import threading
import uuid
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

PENDING_TEXT = "尚未得到OCR結果"
SECONDS = 20.0


def success(upload: dict[str, Any]) -> dict[str, Any]:
    return {
        "ResponseMessage": "SUCCESS",
        "ImageFileName": upload["ImageFileName"],
        "OcrResult": f"text of {upload['ImageFileName']}",
    }


class ForeignWebSocketGateway:
    """Answers each upload with PENDING and a final answer; keeps every frame, by connection, for the test to judge."""

    def __init__(self, final: Callable[[dict[str, Any]], dict[str, Any]] = success) -> None:
        self.conversations: list[list[str | bytes]] = []
        self.given: list[str] = []
        self.uploaded_while_another_waited = 0
        self._final = final
        self._server = serve(self._talk, "127.0.0.1", 0, compression=None, max_size=None)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.port: int = self._server.socket.getsockname()[1]

    def uploads(self) -> list[dict[str, Any]]:
        """Every frame that followed a hello, in the order of the connections."""
        return [json.loads(frame) for frames in self.conversations for frame in frames[1:]]

    def _talk(self, connection: ServerConnection) -> None:
        frames: list[str | bytes] = []
        early: deque[str | bytes] = deque()
        with contextlib.suppress(ConnectionClosed):
            frames.append(connection.recv())  # a client that offers subprotocols may leave here and come again
            self.conversations.append(frames)
            self.given.append(f"2026-01-31-10-51-30-{uuid.uuid4()}")
            connection.send(json.dumps({"ClientUUID": self.given[-1]}))
            while True:
                frames.append(early.popleft() if early else connection.recv())
                upload = json.loads(frames[-1])
                pending = {"ResponseMessage": "PENDING", "ImageFileName": upload["ImageFileName"]}
                connection.send(json.dumps(pending | {"OcrResult": PENDING_TEXT}))
                # What the client sends without waiting for the final answer is here before its pong.
                connection.ping().wait(SECONDS)
                with contextlib.suppress(TimeoutError):
                    early.append(connection.recv(timeout=0))
                    self.uploaded_while_another_waited += 1
                connection.send(json.dumps(self._final(upload)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
