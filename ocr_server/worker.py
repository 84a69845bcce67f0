"""One OCR process: the AMQP thread, the thread that reads images (the main one), and the order in which they stop.

    AMQP thread   takes images, sends answers, keeps heartbeats, watches the clock     consumer.py
    main thread   one image after another: job.py, image.py, engine.py
    pipe thread   listens to the supervisor; when that dies, so does this process (another thread obeys its orders)

Whoever of the main thread and the clock answers an image first is the one that answers it.
"""

import contextlib
import hashlib
import logging
import os
import queue
import resource
import shutil
import signal
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from protocol.bodies import Addressee, addressee, decode_request, encode_answer, failure
from protocol.errors import ErrorCode, Refusal
from protocol.topology import QueuesDiffer
from settings import event_log
from settings.event_log import ids
from settings.schema import OcrServerSettings

from . import control, job
from .consumer import Consumer, Delivery
from .engine import Choice, Engine, EngineMissing, load
from .image import pages

TIMEOUT_MARGIN: Final = 5.0
"""Seconds that the engine gets beyond its own time limit before the clock answers in its place."""


def belong_to_supervisor(pipe: Connection, folder: str) -> None:
    """Make this process one that ends with its supervisor and at its word only, from its first moment on.

    folder: for temporary files, removed by whoever sees the process end.
    """
    os.setpgid(0, 0)  # all that this process starts ends with it
    for number in (signal.SIGINT, signal.SIGTERM):
        # The supervisor has them too, and stops things in order. Not SIG_IGN: the tesseract program would inherit it.
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    tempfile.tempdir = folder
    threading.Thread(target=_listen, args=(pipe, folder), name="pipe", daemon=True).start()


_from_supervisor: queue.SimpleQueue[control.ToProcess] = queue.SimpleQueue()


def _listen(pipe: Connection, folder: str) -> None:
    try:
        while True:
            _from_supervisor.put(pipe.recv())
    except (EOFError, OSError):
        # The supervisor is dead: unanswered images go back to the queue with the connection.
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            Path(folder).parent.rmdir()  # the last process finds the supervisor's own empty
        os.killpg(0, signal.SIGKILL)


def run(
    pipe: Connection, number: int, settings: OcrServerSettings, choice: Choice, log_format: str
) -> control.Returned:
    """Be OCR process `number` (from 1) until told to stop or worn out; the function that the executor runs."""
    if settings.process_pool.memory_limit:
        resource.setrlimit(resource.RLIMIT_AS, (settings.process_pool.memory_limit,) * 2)
    event_log.configure(log_format)
    worker = _Worker(pipe, number, settings)
    worker.tell(control.Started(os.getpid()))
    try:
        engine = load(choice)
    except EngineMissing as error:
        return control.Returned(control.Outcome.NO_ENGINE, str(error))
    return worker.run(engine)


class _Worker:
    def __init__(self, pipe: Connection, number: int, settings: OcrServerSettings) -> None:
        self._pipe = pipe
        self._settings = settings
        self._log = logging.getLogger(f"OCR_Server][Process {number}")
        self._consumer = Consumer(settings.rabbitmq, f"OCR server, process {number}", self._log, self)
        self._deliveries: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._verdicts: queue.SimpleQueue[control.Verdict] = queue.SimpleQueue()
        self._telling = threading.Lock()
        self._answering = threading.Lock()
        self._reading: tuple[Delivery, float] | None = None  # the image, and when it was begun
        self._failure: str = ""
        self._is_worn_out = False

    def tell(self, message: control.FromProcess) -> None:
        """Say something to the supervisor. When it has gone the pipe thread ends the process."""
        with self._telling, contextlib.suppress(OSError):
            self._pipe.send(message)

    def run(self, engine: Engine) -> control.Returned:
        """Read images until there are none to come."""
        threading.Thread(target=self._obey, name="orders", daemon=True).start()
        amqp = threading.Thread(target=self._consume, name="AMQP", daemon=True)
        amqp.start()
        taken = 0
        while (delivery := self._deliveries.get()) is not None:
            self._read(delivery, engine)
            taken += 1
            if taken == self._settings.process_pool.images_per_process:
                self._is_worn_out = True
                self._consumer.stop()
        amqp.join()
        if self._failure:
            return control.Returned(control.Outcome.QUEUES_DIFFER, self._failure)
        return control.Returned(control.Outcome.RECYCLED if self._is_worn_out else control.Outcome.STOPPED)

    def _obey(self) -> None:
        while True:
            message = _from_supervisor.get()
            if isinstance(message, control.Verdict):
                self._verdicts.put(message)
            else:
                self._consumer.stop()

    # The AMQP thread

    def _consume(self) -> None:
        try:
            self._consumer.run()
        except QueuesDiffer as error:
            self._failure = str(error)
        finally:
            self._deliveries.put(None)

    def connected(self) -> None:
        """Images can come now."""
        self.tell(control.Connected())
        self._log.info("listening on pending_queue")

    def disconnected(self, reason: str) -> None:
        """There is no broker."""
        self.tell(control.Disconnected(reason))

    def delivered(self, delivery: Delivery) -> None:
        """An image has come."""
        self._deliveries.put(delivery)

    def tick(self) -> None:
        """Look at the clock: an engine that is stuck is answered for, and its process ended."""
        limit = self._settings.ocr.timeout
        with self._answering:
            reading = self._reading
            if reading is None or time.monotonic() < reading[1] + limit + TIMEOUT_MARGIN:
                return
            self._reading = None
        delivery = reading[0]
        if delivery.link.is_lost:  # nobody can be answered; the image will come again
            self._log.error("an engine that does not end, without a broker: this process ends")
            os._exit(1)
        to = addressee(delivery.body, delivery.headers, delivery.content_type) or Addressee("", "")
        client_uuid, name = to.client_uuid, to.image_file_name
        self._log.error(
            f"reading {name} of {client_uuid} does not end; it is answered OCR_TIMEOUT, and this process ends",
            extra=ids(client_uuid=client_uuid, image_file_name=name),
        )
        late = failure(to, ErrorCode.OCR_TIMEOUT, job.timeout_sentence(limit))
        self._consumer.answer_now(delivery, encode_answer(late))
        self.tell(control.Ended())
        os._exit(1)

    # The main thread

    def _read(self, delivery: Delivery, engine: Engine) -> None:
        if delivery.link.is_lost:
            return  # it is somebody else's by now
        to = addressee(delivery.body, delivery.headers, delivery.content_type)
        if to is None:
            self._log.error("a message that is no request goes to dead_letter_queue")
            self._consumer.set_aside(delivery, lambda: None)
            return
        client_uuid, name = to.client_uuid, to.image_file_name
        facts = ids(client_uuid=client_uuid, image_file_name=name, message_id=delivery.message_id)
        image_id = delivery.message_id or hashlib.sha256(delivery.body).hexdigest()
        self.tell(control.Begun(image_id, asks=delivery.is_redelivered))
        self._log.info(f"image taken: {name} of {client_uuid}", extra=facts)
        if delivery.is_redelivered and not self._verdicts.get().may_read:
            answer = failure(to, ErrorCode.OCR_CRASHED, ErrorCode.OCR_CRASHED.text)
        else:
            with self._answering:
                self._reading = (delivery, time.monotonic())
            try:
                request = decode_request(delivery.body, delivery.headers, delivery.content_type)
                answer = job.recognise(request, engine, self._settings.ocr, pages)
            except Refusal as refusal:
                answer = failure(to, refusal.code, str(refusal))
            except MemoryError:
                answer = failure(to, ErrorCode.IMAGE_TOO_LARGE, ErrorCode.IMAGE_TOO_LARGE.text)
            with self._answering:
                if self._reading is None:
                    threading.Event().wait()  # the clock has answered, and is about to end this process
                self._reading = None
        self.tell(control.Ended())
        outcome = answer.error_code or f"{len(answer.ocr_result)} characters"

        def queued() -> None:
            self._log.info(f"answer queued: {name} of {client_uuid} ({outcome})", extra=facts)

        self._consumer.answer(delivery, encode_answer(answer), queued)
