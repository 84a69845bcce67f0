"""The printed lines: their form, and that no name can forge one."""

import datetime
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from settings import event_log


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = handlers, level


def test_a_line_has_time_name_and_sentence(stream: io.StringIO) -> None:
    event_log.configure("text", stream)
    logging.getLogger("OCR_Server][Process 1").info("image taken: a.png of u")
    assert re.fullmatch(
        r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\]\[OCR_Server\]\[Process 1\] image taken: a\.png of u\n",
        stream.getvalue(),
    )


@pytest.mark.parametrize("more", [0.0, 0.000001, 0.25, 0.999999, 0.9999996, 1.0, 3600.5])
def test_each_line_has_the_time_of_its_event(stream: io.StringIO, more: float) -> None:
    event_log.configure("text", stream)
    (handler,) = logging.getLogger().handlers
    for created in (1_700_000_000.0, 1_700_000_000.0 + more):
        handler.emit(logging.makeLogRecord({"name": "WebSocket server", "msg": "said", "created": created}))
        when = datetime.datetime.fromtimestamp(created)
        assert stream.getvalue().splitlines()[-1] == f"[{when:%Y-%m-%d %H:%M:%S.%f}][WebSocket server] said"


def test_a_name_with_a_line_break_stays_in_its_line(stream: io.StringIO) -> None:
    event_log.configure("text", stream)
    logging.getLogger("WebSocket server").info("image received: a\n[forged]\x1b[2J 字.png")
    assert stream.getvalue().count("\n") == 1
    assert r"a\n[forged]\x1b[2J 字.png" in stream.getvalue()


def test_an_event_as_json_carries_its_ids(stream: io.StringIO) -> None:
    event_log.configure("json", stream)
    logging.getLogger("Client 1").warning("said", extra=event_log.ids(client_uuid="u", image_file_name="a\n.png"))
    event = json.loads(stream.getvalue())
    assert (event["name"], event["level"], event["event"]) == ("Client 1", "warning", "said")
    assert (event["client_uuid"], event["image_file_name"]) == ("u", "a\n.png")


def test_other_libraries_are_silent(stream: io.StringIO) -> None:
    event_log.configure("text", stream)
    logging.getLogger("pika").error("ours says it better")
    assert stream.getvalue() == ""
