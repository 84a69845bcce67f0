"""A gateway from elsewhere that knows v2 and nothing of our code: plain AMQP."""

import json
from typing import Any

import pika

from tests.contract.foreign_peers import Delivery, ForeignGateway

V1_KEYS = {"ClientUUID", "ImageFileName", "OcrResult"}
SUCCESS_KEYS = V1_KEYS | {"RequestId", "Confidence", "ElapsedMs", "Outputs", "Steps"}
FAILURE_KEYS = SUCCESS_KEYS | {"ErrorCode", "ErrorMessage"}


class ForeignGatewayV2(ForeignGateway):
    """Publishes v2 bodies to `pending_queue`, and says what is cancelled."""

    def ask(
        self,
        request_id: str,
        image: bytes,
        *,
        client_uuid: str | None = None,
        options: Any = None,
        timestamp: int | None = None,
        reply_to: str | None = None,
    ) -> None:
        body = self.body_of(f"{request_id}.png", image) | {"RequestId": request_id, "Options": options or {}}
        if client_uuid:
            body["ClientUUID"] = client_uuid
        properties = pika.BasicProperties(
            message_id=f"id of {request_id}", delivery_mode=2, timestamp=timestamp, reply_to=reply_to
        )
        self.publish("pending_queue", body, properties)

    def take_final(self, queue: str = "result_queue") -> Delivery:
        """The next answer, after the progress before it."""
        while "Status" in (answer := self.take_answer(queue)).message():
            pass
        return answer

    def final(self, request_id: str) -> dict[str, Any]:
        """The next answer, which is to this request."""
        answer = self.take_final()
        assert answer.message()["RequestId"] == request_id, answer.message()
        assert answer.properties.correlation_id == f"id of {request_id}"
        return answer.message()

    def cancel(self, body: dict[str, Any] | bytes, timestamp: int | None = None) -> None:
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.channel.basic_publish("ocr.control", "", encoded, pika.BasicProperties(timestamp=timestamp))
