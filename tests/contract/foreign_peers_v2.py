"""Peers from elsewhere that know v2 and nothing of our code: plain frames in both codecs, plain AMQP."""

import base64
import contextlib
import json
import socket
import struct
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import msgspec
import pika
from pika.exceptions import ChannelClosedByBroker
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import PENDING_TEXT, SECONDS, Delivery, ForeignAmqpPeer, ForeignOcrServer
from tests.running import wait_until

SUBPROTOCOLS = ("ocr.v2", "ocr.v2.msgpack")
PENDING_KEYS = {"ResponseMessage", "ImageFileName", "OcrResult", "RequestId"}
SUCCESS_KEYS = PENDING_KEYS | {"Confidence", "ElapsedMs", "Outputs", "Steps"}
FAILED_KEYS = PENDING_KEYS | {"ErrorCode", "ErrorMessage"}
CLIENT_UUIDS: set[str] = set()
"""All that were given to clients here: each may have a held queue."""


class ForeignClientV2:
    """A v2 WebSocket client on one connection: says what it is told to, and hands over every message."""

    def __init__(
        self,
        port: int,
        subprotocol: str | Sequence[str] = "ocr.v2",
        *,
        says_hello: bool = True,
        resumes: dict[str, Any] | None = None,
        token: str | None = None,
        bearer: str | None = None,
    ) -> None:
        """Connect to the gateway on `port`, and say hello.

        resumes: the welcome of the client that this one goes on as. token, bearer: in the hello, in the handshake.
        """
        self._open = ExitStack()
        offers = [subprotocol] if isinstance(subprotocol, str) else subprotocol
        connecting = connect(
            f"ws://127.0.0.1:{port}",
            subprotocols=[Subprotocol(one) for one in offers] or None,
            additional_headers={"Authorization": f"Bearer {bearer}"} if bearer else None,
            compression=None,
            max_size=None,
            proxy=None,
            ping_interval=None,
            close_timeout=SECONDS,
        )
        self._connection = self._open.enter_context(connecting)
        self.subprotocol = self._connection.subprotocol
        self._is_binary = self.subprotocol == "ocr.v2.msgpack"
        self.welcome: dict[str, Any] = {}
        self.client_uuid = ""
        self.seconds = SECONDS  # of a wait for one message
        if says_hello:
            extra: dict[str, Any] = {} if token is None else {"Token": token}
            try:
                self.hello(resumes, **extra)
            except BaseException:
                self.close()
                raise

    # Saying

    def say(self, message: dict[str, Any] | str | bytes) -> None:
        """Send a message, or a frame as it is."""
        if isinstance(message, dict):
            message = msgspec.msgpack.encode(message) if self._is_binary else json.dumps(message)
        self._connection.send(message)

    def hello(self, resumes: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
        """Say hello, and hear the welcome."""
        resuming = {key: resumes[key] for key in ("ClientUUID", "ResumeKey")} if resumes else {}
        self.say({"ClientName": "foreign client", **resuming, **keys})
        message = self.hear()
        assert "ResumeKey" in message, message
        self.welcome = message
        self.client_uuid = message["ClientUUID"]
        CLIENT_UUIDS.add(self.client_uuid)
        return message

    def upload(self, request_id: str, image: bytes = NO_IMAGE, name: str = "a.png", **keys: Any) -> None:
        """Send an image. keys: more of them, or others than would be sent."""
        data = {"ImageData": image} if self._is_binary else {"ImageBase64Data": base64.b64encode(image).decode()}
        self.say({"ClientUUID": self.client_uuid, "ImageFileName": name, "RequestId": request_id, **data, **keys})

    def received(self, *request_ids: str) -> None:
        self.say({"ClientUUID": self.client_uuid, "Received": list(request_ids)})

    def cancel(self, *request_ids: str) -> None:
        self.say({"ClientUUID": self.client_uuid, "Cancel": list(request_ids)})

    # Hearing

    def hear(self) -> dict[str, Any]:
        """The next message, in a frame of the kind that the codec has."""
        frame = self._connection.recv(self.seconds)
        if self._is_binary:
            assert isinstance(frame, bytes), "ocr.v2.msgpack is spoken in binary frames"
            message = msgspec.msgpack.decode(frame)
        else:
            assert isinstance(frame, str), "ocr.v2 is spoken in text frames"
            message = json.loads(frame)
        assert isinstance(message, dict)
        return message

    def hear_pending(self, request_id: str, name: str = "a.png", kind: str = "PENDING") -> None:
        """The next message is exactly this."""
        expected = {"ResponseMessage": kind, "ImageFileName": name, "OcrResult": PENDING_TEXT, "RequestId": request_id}
        assert self.hear() == expected

    def hear_success(self, request_id: str, text: str) -> dict[str, Any]:
        """The next message is a SUCCESS with exactly its keys."""
        message = self.hear()
        assert message["ResponseMessage"] == "SUCCESS", message
        assert set(message) == SUCCESS_KEYS
        assert (message["RequestId"], message["OcrResult"]) == (request_id, text)
        return message

    def hear_failed(self, request_id: str, code: str, *, again: bool = False) -> dict[str, Any]:
        """The next message is a FAILED with exactly its keys. again: whether it has a RetryAfter, of over 0."""
        message = self.hear()
        assert message["ResponseMessage"] == "FAILED", message
        assert (message["RequestId"], message["ErrorCode"]) == (request_id, code), message
        assert set(message) == FAILED_KEYS | ({"RetryAfter"} if again else set()), message
        assert not again or message["RetryAfter"] > 0
        assert message["ErrorMessage"].strip()
        assert message["OcrResult"].strip()
        return message

    def hear_accepted_and_success(self, request_id: str, text: str) -> None:
        """On a connection that resumed: PENDING may be said again before the SUCCESS, by a gateway that cannot know."""
        message = self.hear()
        while message["ResponseMessage"] in ("PENDING", "PROCESSING"):
            assert message["RequestId"] == request_id, message
            message = self.hear()
        assert (message["ResponseMessage"], message["RequestId"], message["OcrResult"]) == ("SUCCESS", request_id, text)

    def hear_nothing_more(self) -> None:
        """Nothing was said before the answer to a second hello, which is refused."""
        self.say({"ClientName": "a second hello"})
        self.hear_failed("", "BAD_MESSAGE")

    def hear_close(self) -> tuple[int, str]:
        """Code and reason of the gateway's close frame, which is the next that comes."""
        try:
            frame = self._connection.recv(SECONDS)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "the gateway dropped the connection without a close frame"
            return closed.rcvd.code, closed.rcvd.reason
        raise AssertionError(f"a message in place of a close frame: {frame!r}")

    # Leaving

    def vanish(self) -> None:
        """Be gone without a word."""
        sock = self._connection.socket
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.shutdown(socket.SHUT_RD)  # wakes the library's own thread, which then closes it
            sock.close()

    def close(self) -> None:
        """Say goodbye with 1000; does nothing to what is closed."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class ForeignOcrServerV2(ForeignOcrServer):
    """Takes images from `pending_queue` and answers with v2's keys, to wherever the request says."""

    def say(self, image: Delivery, **keys: Any) -> None:
        """Publish to the gateway of this image; `keys` beside those that say what it is about."""
        request = image.message()
        about = {key: request[key] for key in ("ClientUUID", "ImageFileName", "RequestId") if key in request}
        assert image.properties.reply_to is not None
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=2, correlation_id=image.properties.message_id
        )
        self.publish(image.properties.reply_to, about | keys, properties)

    def say_text(self, image: Delivery, text: str, **keys: Any) -> None:
        """Publish the answer, and do not acknowledge the image yet."""
        details = {"Confidence": 91.5, "ElapsedMs": 12.5, "Outputs": {}, "Steps": ["grey"]}
        self.say(image, **({"OcrResult": text} | details | keys))

    def read(self, image: Delivery, text: str, **keys: Any) -> None:
        """Publish the answer, then acknowledge the image."""
        self.say_text(image, text, **keys)
        self.acknowledge(image)

    def fail(self, image: Delivery, code: str, sentence: str = "This is no image.") -> None:
        """Publish a failure, then acknowledge the image."""
        details: dict[str, Any] = {"Confidence": None, "ElapsedMs": None, "Outputs": {}, "Steps": []}
        self.say(image, OcrResult="", ErrorCode=code, ErrorMessage=sentence, **details)
        self.acknowledge(image)

    def take_image_of(self, request_id: str) -> Delivery:
        """The next image, which has this RequestId."""
        image = self.take_image()
        assert image.message()["RequestId"] == request_id
        return image

    def wait_held(self, client_uuid: str, count: int) -> None:
        """Until so many answers wait in a client's held queue, given to nobody."""
        wait_until(lambda: self.held(client_uuid) == count, f"{count} answers in held.{client_uuid}")

    def held(self, client_uuid: str) -> int | None:
        """Answers that wait in a client's held queue, given to nobody; None where there is no such queue.

        Asking renews the queue's time.
        """
        channel = self._connection.channel()
        try:
            count: int = channel.queue_declare(f"held.{client_uuid}", passive=True).method.message_count
        except ChannelClosedByBroker:
            return None
        channel.close()
        return count


class ControlListener(ForeignAmqpPeer):
    """Hears what gateways tell all OCR servers, from now on."""

    def __init__(self, broker_port: int) -> None:
        super().__init__(broker_port)
        self._queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self._queue, "ocr.control")

    def hear(self) -> tuple[dict[str, Any], int | None]:
        """The next message and its timestamp."""
        heard = self.take_and_acknowledge(self._queue)
        return heard.message(), heard.properties.timestamp
