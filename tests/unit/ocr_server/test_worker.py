"""An OCR process from within: what it says when."""

import logging
import queue
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from ocr_server import control
from ocr_server.engine import Choice
from ocr_server.link import Delivery
from ocr_server.worker import _Worker
from settings.schema import OcrServerSettings

if TYPE_CHECKING:
    from ocr_server.engine import Engine
    from ocr_server.lifeline import Lifeline
    from ocr_server.slate import Slate


class _Lifeline:
    """Keeps what is not urgent until something is, as the real one does."""

    def __init__(self) -> None:
        self.orders: queue.SimpleQueue[control.Verdict | control.Stop] = queue.SimpleQueue()
        self.slate = cast("Slate", None)
        self.heard: list[control.FromProcess] = []
        self._untold: list[control.FromProcess] = []

    def tell(self, *messages: control.FromProcess, is_urgent: bool = True) -> None:
        self._untold += messages
        if is_urgent:
            self.heard += self._untold
            self._untold.clear()


def test_what_was_only_counted_is_told_before_the_process_ends() -> None:
    lifeline = _Lifeline()
    worker = _Worker(cast("Lifeline", lifeline), 1, OcrServerSettings(), Choice("tesserocr", None, "", (), ()))
    lifeline.tell(control.Answered("SUCCESS"), is_urgent=False)
    worker._consumer.stop()
    returned = worker.run(cast("Engine", None))
    assert returned.outcome is control.Outcome.STOPPED
    assert lifeline.heard == [control.Answered("SUCCESS")]


def test_the_line_that_an_image_is_taken_comes_when_a_death_would_be_one_of_its_attempts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun: list[str] = []
    lifeline, link = _Lifeline(), SimpleNamespace(is_lost=False, unanswered=2, answer_queue=str, publish=print)
    lifeline.slate = cast("Slate", SimpleNamespace(begin=begun.append, end=lambda: None))
    worker = _Worker(cast("Lifeline", lifeline), 1, OcrServerSettings(), Choice("tesserocr", None, "", (), ()))
    seen: list[list[str]] = []

    def look(record: logging.LogRecord) -> bool:
        if record.getMessage() == "image taken: a.png of u":
            seen.append(begun.copy())
        return True

    caplog.set_level("INFO")
    caplog.handler.addFilter(look)
    body = b'{"ClientUUID": "u", "ImageFileName": "a.png", "ImageBase64Data": "no base64"}'
    some: Any = link
    worker._take(Delivery(body, {}, None, "m-1", None, None, False, 1, some), cast("Engine", None))
    assert seen == [["m-1"]]
