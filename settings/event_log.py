"""The printed lines: `[2026-01-31 10:51:30.042834][NAME] sentence`, one an event, or one JSON object an event.

A logger's name is the NAME. Facts for programs go into `extra=ids(…)`; only the JSON form shows them.
"""

import datetime
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any, Final, TextIO

_IDS: Final = "ids"
_OUR_LEVEL = logging.INFO


def ids(**facts: Any) -> dict[str, Any]:
    """The `extra` of a log call: facts of the event, such as client_uuid and image_file_name."""
    return {_IDS: facts}


def passing_logger(name: str) -> logging.Logger:
    """A logger for one of many that come and go: `logging.getLogger` would keep each for ever."""
    logger = logging.Logger(name)  # noqa: LOG001 - not registered, which is the point
    logger.parent = logging.getLogger()
    return logger


def open_what_is_closed() -> None:
    """Send what is written to a standard output or error that was closed at the start (`>&-`) nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for good


def configure(log_format: str, stream: TextIO | None = None) -> None:
    """Print events in `log_format` ("text" or "json") to `stream`, None being standard output.

    Other libraries' own lines are left out: what they report is translated where they are used.
    """
    # What no line of ours shows need not be found out for each (the logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(_OUR_LEVEL)
    for library in ("aio_pika", "aiormq", "pika", "websockets", "websocket", "PIL", "pytesseract"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)


def printable(text: str) -> str:
    """The text with control characters spelt out, so that a name from a client cannot forge a line or move a cursor."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__()
        self._second, self._shown = -1, ""  # the last one: lines come many a second

    def format(self, record: logging.LogRecord) -> str:
        second, microsecond = divmod(round(record.created * 1_000_000), 1_000_000)
        if second != self._second:
            self._second, self._shown = second, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        line = f"[{self._shown}.{microsecond:06}][{record.name}] {printable(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": datetime.datetime.fromtimestamp(record.created).astimezone().isoformat(),
            "level": record.levelname.lower(),
            "name": record.name,
            "event": record.getMessage(),
            **getattr(record, _IDS, {}),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False, default=str)
