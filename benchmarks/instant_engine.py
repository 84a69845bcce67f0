"""An engine that reads nothing and answers every image at once, in a process of its own: what is left is the way."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from typing import Any, Final

import pika
from pika import exceptions

from protocol.bodies import Details, OcrProgress, decode_request, encode_answer, encode_progress, success
from protocol.topology import PENDING_QUEUE

PREFETCH: Final = 256
ANSWER: Final = "The quick brown fox jumps over the lazy dog.\n"

_spawn = multiprocessing.get_context("spawn")


@contextlib.contextmanager
def running(broker_port: int, *, says_processing: bool = False) -> Iterator[None]:
    """It answers the images of the broker on this port."""
    engine = _spawn.Process(target=_answer_at_once, args=(broker_port, says_processing), daemon=True)
    engine.start()
    try:
        yield
    finally:
        engine.terminate()
        engine.join()


def _answer_at_once(broker_port: int, says_processing: bool) -> None:
    """Answer every image with the same text, in the properties that an OCR server gives its answers."""
    details = Details(96.5, 2.5, {}, ("scaled 2.0",))

    def answer(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        request = decode_request(body, properties.headers, properties.content_type)
        of_answer = pika.BasicProperties("application/json", delivery_mode=2, correlation_id=properties.message_id)
        if says_processing:
            progress = OcrProgress(request.client_uuid, request.image_file_name, request.request_id)
            channel.basic_publish("", properties.reply_to, encode_progress(progress), of_answer)
        channel.basic_publish("", properties.reply_to, encode_answer(success(request, ANSWER, details)), of_answer)
        channel.basic_ack(method.delivery_tag)

    parameters = pika.ConnectionParameters("127.0.0.1", broker_port, heartbeat=0, connection_attempts=20)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=PREFETCH)
        _wait_for_the_queue(connection)
        channel.basic_consume(PENDING_QUEUE, answer)
        channel.start_consuming()


def _wait_for_the_queue(connection: pika.BlockingConnection) -> None:
    """The gateway declares it, a moment after the engine has been started."""
    while True:
        with contextlib.suppress(exceptions.ChannelClosedByBroker):
            looking = connection.channel()
            looking.queue_declare(PENDING_QUEUE, passive=True)
            looking.close()
            return
        connection.sleep(0.05)
