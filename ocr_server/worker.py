"""One OCR process: the AMQP thread, the thread that reads images (the main one), and the order in which they stop.

AMQP thread   takes images, sends answers, keeps heartbeats, watches the clock     consumer.py
main thread   one image after another: job.py, image.py, engine.py
pipe thread   listens to the supervisor; when that dies, so does this process      lifeline.py
orders        obeys the supervisor
"""

import contextlib
import hashlib
import logging
import os
import platform
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from protocol import __version__
from protocol.bodies import (
    Addressee,
    OcrAnswer,
    addressee,
    decode_request,
    encode_answer,
    failure,
)
from protocol.control import Announcement, Cancelled, encode_announcement
from protocol.errors import ErrorCode, Refusal
from protocol.topology import QueuesDiffer
from settings import event_log
from settings.event_log import ids
from settings.schema import OcrServerSettings

from . import control, job, limits
from .cancellations import Cancellations
from .consumer import Consumer
from .engine import Choice, Engine, EngineMissing, load
from .image import load_preprocessing, pages
from .in_hand import InHand
from .lifeline import Lifeline
from .link import Delivery
from .options import OUTPUTS
from .pace import QUICK, Pace
from .work_clock import Stretch, of_main_thread

TIMEOUT_MARGIN: Final = 5.0
"""Seconds that the engine gets beyond its own time limit before the clock answers in its place."""

NO_OPENCV: Final = (
    "OpenCV, which prepares pages, cannot be loaded ({}). Install it (pip install opencv-python-headless), "
    "or read images as they are: [OCR] preprocess = none."
)


def run(
    lifeline: Lifeline, number: int, settings: OcrServerSettings, choice: Choice, log_format: str
) -> control.Returned:
    """Be OCR process `number` (from 1) until told to stop or worn out; the function that the executor runs."""
    limits.restrict(settings.process_pool.memory_limit)
    event_log.configure(log_format)
    try:
        engine = load(choice)
        if settings.ocr.preprocess == "auto":
            load_preprocessing()
    except EngineMissing as error:
        return control.Returned(control.Outcome.NO_ENGINE, str(error))
    except ImportError as error:
        return control.Returned(control.Outcome.NO_ENGINE, NO_OPENCV.format(error))
    return _Worker(lifeline, number, settings, choice).run(engine)


def _announcement(settings: OcrServerSettings, installed: tuple[str, ...]) -> bytes:
    server = f"{platform.node()}-{os.getppid()}"  # the supervisor's
    slots = settings.process_pool.max_process
    return encode_announcement(Announcement(server, slots, installed, OUTPUTS, __version__))


class _Worker:
    def __init__(self, lifeline: Lifeline, number: int, settings: OcrServerSettings, choice: Choice) -> None:
        self._lifeline = lifeline
        self._settings = settings
        self._installed = choice.installed
        self._log = logging.getLogger(f"OCR_Server][Process {number}")
        announcement = _announcement(settings, choice.installed) if number == 1 else None  # one speaks for all
        name = f"OCR server, process {number}"
        self._consumer = Consumer(settings.rabbitmq, name, self._log, self, announcement)
        self._cancellations = Cancellations()
        self._deliveries: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._verdicts: queue.SimpleQueue[control.Verdict] = queue.SimpleQueue()
        # A program that reads for this process works by a clock of its own.
        self._work_clock = time.monotonic if choice.program else of_main_thread()
        self._in_hand = InHand(self._consumer.progress, self._work_clock)
        self._is_stuck = False
        self._pace = Pace()
        self._failure: str = ""
        self._is_worn_out = False

    def run(self, engine: Engine) -> control.Returned:
        """Read images until there are none to come."""
        threading.Thread(target=self._obey, name="orders", daemon=True).start()
        amqp = threading.Thread(target=self._consume, name="AMQP", daemon=True)
        amqp.start()
        taken = 0
        while (delivery := self._deliveries.get()) is not None:
            self._take(delivery, engine)
            taken += 1
            if taken == self._settings.process_pool.images_per_process:
                self._is_worn_out = True
                self._consumer.stop()
                break
        amqp.join()
        if self._failure:
            return control.Returned(control.Outcome.QUEUES_DIFFER, self._failure)
        return control.Returned(control.Outcome.RECYCLED if self._is_worn_out else control.Outcome.STOPPED)

    def _obey(self) -> None:
        while True:
            message = self._lifeline.orders.get()
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
            self._lifeline.tell()  # what was only counted so far
            if self._is_stuck:
                os._exit(1)  # whatever happened: the main thread is stuck, and no image may wait for it
            self._deliveries.put(None)

    def connected(self) -> None:
        """Images can come now."""
        self._lifeline.tell(control.Connected())
        self._log.info("listening on pending_queue")

    def disconnected(self, reason: str) -> None:
        """There is no broker."""
        self._lifeline.tell(control.Disconnected(reason))

    def delivered(self, delivery: Delivery) -> None:
        """An image has come."""
        self._pace.came(len(delivery.body))
        self._deliveries.put(delivery)

    def unread(self) -> Iterator[Delivery]:
        """Those that wait for their turn."""
        with contextlib.suppress(queue.Empty):
            while (delivery := self._deliveries.get_nowait()) is not None:
                yield delivery

    def idle(self) -> None:
        """No image has come for a while: what comes next may be anything."""
        self._pace.forget()

    def cancelled(self, cancelled: Cancelled, at: float) -> None:
        """A gateway has cancelled images."""
        self._cancellations.add(cancelled, at)

    def prefetch(self) -> int:
        """How many images to have at a time."""
        return self._pace.prefetch

    def glance(self) -> bool:
        """Look whether the image that is read takes long: then its gateway is told, and what waits behind it goes."""
        seconds = self._in_hand.look()
        if seconds >= QUICK and (self._pace.prefetch > 1 or not self._deliveries.empty()):
            self._consumer.pause()
        return seconds < QUICK

    def tick(self) -> None:
        """Look at the clock: an engine that is stuck is answered for, and its process ended."""
        self._lifeline.tell()
        limit = self._settings.ocr.timeout
        stuck = self._in_hand.give_up_after(limit + TIMEOUT_MARGIN)
        if stuck:
            self._is_stuck = True
            self._answer_late(stuck, job.timeout_sentence(limit))
            self._consumer.stop()  # and with the AMQP thread this process ends

    def _answer_late(self, delivery: Delivery, sentence: str) -> None:
        self._lifeline.tell(control.Leaving())
        if delivery.link.is_lost:  # nobody can be answered; the image will come again, and this was an attempt
            self._log.error("an engine that does not end, without a broker: this process ends")
            return
        to = addressee(delivery.body, delivery.headers, delivery.content_type) or Addressee("", "")
        self._log.error(
            f"reading {to.image_file_name} of {to.client_uuid} does not end; it is answered OCR_TIMEOUT, and this "
            "process ends",
            extra=_facts(to, delivery),
        )

        def queued() -> None:
            self._lifeline.slate.end()
            self._lifeline.tell(control.Ended(), control.Answered(ErrorCode.OCR_TIMEOUT))

        self._consumer.answer(delivery, encode_answer(failure(to, ErrorCode.OCR_TIMEOUT, sentence)), queued)

    # The main thread

    def _take(self, delivery: Delivery, engine: Engine) -> None:
        if delivery.link.is_lost:
            return  # it is somebody else's by now
        to = addressee(delivery.body, delivery.headers, delivery.content_type)
        if to is None:
            self._log.error("a message that is no request goes to dead_letter_queue")
            self._consumer.set_aside(delivery)
            return
        who, facts = f"{to.image_file_name} of {to.client_uuid}", _facts(to, delivery)
        if self._cancellations.cover(to, delivery.timestamp):
            self._log.info(f"image skipped: {who} is cancelled", extra=facts)
            self._consumer.skip(delivery, lambda: self._lifeline.tell(control.Skipped()))
            return
        image_id = delivery.message_id or hashlib.sha256(delivery.body).hexdigest()
        self._lifeline.slate.begin(image_id)
        self._log.info(f"image taken: {who}", extra=facts)  # from now on a death counts as an attempt
        begun_message = control.Begun(image_id, delivery.is_redelivered, _waited(delivery))
        self._lifeline.tell(begun_message, is_urgent=delivery.is_redelivered)
        begun, work = time.monotonic(), Stretch(self._work_clock)
        if delivery.is_redelivered and not self._verdicts.get().may_read:
            answer, seconds = failure(to, ErrorCode.OCR_CRASHED, ErrorCode.OCR_CRASHED.text), None
        else:
            answer, seconds = self._read(delivery, to, engine), time.monotonic() - begun
        body = encode_answer(answer)
        self._lifeline.slate.end()
        work_seconds = None if seconds is None else work.seconds()
        self._pace.read(work_seconds)
        outcome = answer.error_code or f"{len(answer.ocr_result)} characters"

        def queued() -> None:
            self._log.info(f"answer queued: {who} ({outcome})", extra=facts)
            counted = control.Ended(seconds), control.Answered(answer.error_code or "SUCCESS")
            self._lifeline.tell(*counted, is_urgent=not delivery.link.unanswered)

        self._consumer.answer(delivery, body, queued, is_urgent=not self._is_busy(work_seconds))

    def _read(self, delivery: Delivery, to: Addressee, engine: Engine) -> OcrAnswer:
        self._in_hand.begin(delivery, to)
        try:
            with limits.cpu_time(self._settings.ocr.timeout):
                request = decode_request(delivery.body, delivery.headers, delivery.content_type)
                answer = job.recognise(request, engine, self._settings.ocr, self._installed, pages)
        except Refusal as refusal:
            answer = failure(to, refusal.code, str(refusal))
        except MemoryError:
            answer = failure(to, ErrorCode.IMAGE_TOO_LARGE, ErrorCode.IMAGE_TOO_LARGE.text)
        self._in_hand.end()
        return answer

    def _is_busy(self, seconds: float | None) -> bool:
        """True in a run of quick images: the next one is here."""
        return seconds is not None and seconds < QUICK and not self._deliveries.empty()


def _waited(delivery: Delivery) -> float | None:
    """Seconds from the gateway to here, by two machines' clocks; None when the message does not tell."""
    return None if delivery.timestamp is None else max(0.0, time.time() - delivery.timestamp)


def _facts(to: Addressee, delivery: Delivery) -> dict[str, Any]:
    return ids(
        client_uuid=to.client_uuid,
        image_file_name=to.image_file_name,
        request_id=to.request_id,
        message_id=delivery.message_id,
    )
