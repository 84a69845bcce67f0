"""The image that a process reads: begun and ended by the main thread, watched by the AMQP thread."""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Final

from protocol.bodies import Addressee, OcrProgress, encode_progress

from .link import Delivery
from .work_clock import Clock, Stretch

TELL_AFTER: Final = 0.025
"""Seconds of reading until it is told that an image is read, while others are on their way here: for each of a run of
quick images it would cost the broker and the gateway as much as an answer."""


@dataclasses.dataclass
class _Reading:
    delivery: Delivery
    to: Addressee
    begun: float  # seconds of the monotonic clock
    work: Stretch
    is_told: bool = False


class InHand:
    """One image at most. Whoever of the main thread and the clock ends it first is the one that answers it.

    tell: sends a progress; best effort, for any thread. clock: of the main thread's work.
    """

    def __init__(self, tell: Callable[[Delivery, bytes], None], clock: Clock) -> None:
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._reading: _Reading | None = None

    def begin(self, delivery: Delivery, to: Addressee) -> None:
        """It is read from now on. Its gateway is told at once when no other image is on its way here."""
        with self._lock:
            self._reading = _Reading(delivery, to, time.monotonic(), Stretch(self._clock))
            if delivery.link.unanswered == 1:
                self._tell_progress(self._reading)

    def end(self) -> None:
        """It has been read. Does not return when the clock has answered, and is about to end this process."""
        with self._lock:
            is_ours, self._reading = self._reading is not None, None
        if not is_ours:  # and not with the lock: the AMQP thread looks at the clock until the answer is there
            threading.Event().wait()

    def look(self) -> float:
        """How many seconds of work it has taken so far; 0.0 when there is none. Tells its gateway, if it is time."""
        with self._lock:
            if self._reading is None:
                return 0.0
            if time.monotonic() - self._reading.begun >= TELL_AFTER:
                self._tell_progress(self._reading)
            return self._reading.work.seconds()

    def give_up_after(self, seconds: float) -> Delivery | None:
        """The image, if it has been read for so long: from now on the clock answers it."""
        with self._lock:
            reading = self._reading
            if reading is None or time.monotonic() < reading.begun + seconds:
                return None
            self._reading = None
            return reading.delivery

    def _tell_progress(self, reading: _Reading) -> None:
        to = reading.to
        if to.request_id and not reading.is_told:
            reading.is_told = True
            progress = OcrProgress(to.client_uuid, to.image_file_name, to.request_id)
            self._tell(reading.delivery, encode_progress(progress))
