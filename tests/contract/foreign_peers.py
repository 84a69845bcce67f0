"""Peers from elsewhere that know v1 and nothing of our code: plain frames, plain AMQP."""

import base64
import json
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pika
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PENDING_TEXT = "尚未得到OCR結果"
ANSWER_KEYS = {"ResponseMessage", "ImageFileName", "OcrResult"}
# Deadline of every wait for a message; nothing waits longer than until it is there.
SECONDS = 60.0


class ForeignClient:
    """A v1 WebSocket client: offers no subprotocol, says what it is told to, and hands over every frame."""

    def __init__(self, port: int, name: str | None = "foreign client") -> None:
        """Connect to the gateway on `port`; say hello as `name`, or nothing for None."""
        self._open = ExitStack()
        self._connection = self._open.enter_context(
            connect(f"ws://127.0.0.1:{port}", compression=None, max_size=None, proxy=None, close_timeout=SECONDS)
        )
        self.client_uuid = ""
        if name is not None:
            try:
                self.hello(name)
            except BaseException:
                self.close()
                raise

    def say(self, frame: dict[str, Any] | str | bytes) -> None:
        self._connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    def hear(self) -> dict[str, Any]:
        """The next frame, which has to be text and a JSON object."""
        frame = self._connection.recv(SECONDS)
        assert isinstance(frame, str), "v1 is spoken in text frames"
        message = json.loads(frame)
        assert isinstance(message, dict)
        return message

    def hello(self, name: str = "foreign client") -> str:
        self.say({"ClientName": name})
        message = self.hear()
        assert set(message) == {"ClientUUID"}
        self.client_uuid = message["ClientUUID"]
        return self.client_uuid

    def upload(self, name: str, image: bytes) -> None:
        encoded = base64.b64encode(image).decode()
        self.say({"ClientUUID": self.client_uuid, "ImageFileName": name, "ImageBase64Data": encoded})

    def hear_pending(self, name: str) -> None:
        message = self.hear()
        assert message == {"ResponseMessage": "PENDING", "ImageFileName": name, "OcrResult": PENDING_TEXT}

    def hear_text(self, name: str) -> str:
        """The text in a final answer that is a SUCCESS."""
        message = self.hear()
        assert set(message) == ANSWER_KEYS
        assert (message["ResponseMessage"], message["ImageFileName"]) == ("SUCCESS", name), message
        text = message["OcrResult"]
        assert isinstance(text, str)
        return text

    def hear_failed(self, *names: str) -> str:
        """The reason in a FAILED with exactly v1's keys, for an image with one of `names` (none: "")."""
        message = self.hear()
        assert set(message) == ANSWER_KEYS
        assert message["ResponseMessage"] == "FAILED", message
        assert message["ImageFileName"] in (names or ("",)), message
        reason = message["OcrResult"]
        assert isinstance(reason, str)
        assert reason.strip()
        assert reason != PENDING_TEXT
        return reason

    def hear_close(self) -> tuple[int, str]:
        """Code and reason of the gateway's close frame, after whatever it says before that."""
        try:
            while True:
                self._connection.recv(SECONDS)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "the gateway dropped the connection without a close frame"
            return closed.rcvd.code, closed.rcvd.reason

    def close(self) -> None:
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Delivery:
    """A message as RabbitMQ delivered it, not acknowledged yet."""

    body: bytes
    properties: pika.BasicProperties
    tag: int

    def message(self) -> dict[str, Any]:
        message = json.loads(self.body)
        assert isinstance(message, dict)
        return message


class ForeignAmqpPeer:
    """A plain AMQP connection with one channel that may consume one queue."""

    def __init__(self, broker_port: int) -> None:
        self._connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker_port, heartbeat=0))
        self.channel = self._connection.channel()
        self.channel.confirm_delivery()
        self.channel.basic_qos(prefetch_count=1000)

    def publish(self, queue: str, body: dict[str, Any] | bytes, properties: pika.BasicProperties | None = None) -> None:
        """Publish to a queue that has to be there, and wait for the confirm."""
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.channel.basic_publish("", queue, encoded, properties, mandatory=True)

    def take(self, queue: str) -> Delivery:
        """The next message of the one queue that this peer consumes."""
        method, properties, body = next(self.channel.consume(queue, inactivity_timeout=SECONDS))
        assert method is not None, f"nothing arrived in {queue} within {SECONDS:g} s"
        assert properties is not None
        assert body is not None
        assert method.delivery_tag is not None
        return Delivery(body, properties, method.delivery_tag)

    def take_and_acknowledge(self, queue: str) -> Delivery:
        delivery = self.take(queue)
        self.acknowledge(delivery)
        return delivery

    def acknowledge(self, delivery: Delivery) -> None:
        self.channel.basic_ack(delivery.tag)

    def waiting(self, queue: str) -> int:
        """Messages in the queue that nobody has been given."""
        count: int = self.channel.queue_declare(queue, passive=True).method.message_count
        return count

    def consumers(self, queue: str) -> int:
        count: int = self.channel.queue_declare(queue, passive=True).method.consumer_count
        return count

    def close(self) -> None:
        """What was taken and not acknowledged goes back."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class ForeignOcrServer(ForeignAmqpPeer):
    """Takes images from `pending_queue` and answers with v1's three keys."""

    def take_image(self) -> Delivery:
        return self.take("pending_queue")

    def result(self, image: Delivery, text: str, *, correlated: bool = False) -> None:
        """Publish an answer; without correlation_id unless `correlated`."""
        request = image.message()
        answer = {
            "ClientUUID": request["ClientUUID"],
            "ImageFileName": request["ImageFileName"],
            "OcrResult": text,
        }
        properties = pika.BasicProperties(correlation_id=image.properties.message_id) if correlated else None
        self.publish("result_queue", answer, properties)

    def answer(self, image: Delivery, text: str, *, correlated: bool = False) -> None:
        """Publish the answer, then acknowledge the image."""
        self.result(image, text, correlated=correlated)
        self.acknowledge(image)


class ForeignGateway(ForeignAmqpPeer):
    """Publishes v1 bodies to `pending_queue` and takes the answers."""

    client_uuid = "2026-01-31-10-51-30-6f1c8f0e-2b8b-4f7e-9f43-0d6c2a6a7b11"

    @classmethod
    def body_of(cls, name: str, image: bytes) -> dict[str, Any]:
        """v1's four keys."""
        return {
            "ClientUUID": cls.client_uuid,
            "ImageFileName": name,
            "ImageBase64Data": base64.b64encode(image).decode(),
            "OcrResult": "",
        }

    def send(self, name: str, image: bytes, properties: pika.BasicProperties | None = None) -> None:
        self.publish("pending_queue", self.body_of(name, image), properties)

    def take_answer(self, queue: str = "result_queue") -> Delivery:
        return self.take_and_acknowledge(queue)
