"""The screen: printed lines, the texts below them, and a progress bar that they do not tear."""

import logging
import os
import sys
import threading
from typing import Final, NoReturn, TextIO, cast

from tqdm import tqdm

from settings import event_log
from settings.event_log import printable

from .errors import OutputGone

TEXT: Final = "text"
_INDENT: Final = "    "


class Console:
    """Standard output, a line at a time, for all threads; and as `stream` where a log wants one.

    as_json: standard output is for JSON lines alone; events of level warning and above go to standard error.
    """

    def __init__(self, log_format: str, *, as_json: bool) -> None:
        event_log.open_what_is_closed()
        self.log_format = log_format
        self._as_json = as_json
        self._bar: tqdm[NoReturn] | None = None
        self._is_gone = False
        self._bar_lock = threading.RLock()
        tqdm.set_lock(self._bar_lock)  # tqdm's own would serve processes too, and may start one to look after it
        event_log.configure(log_format, sys.stderr if as_json else cast("TextIO", self))
        for handler in logging.getLogger().handlers:
            if log_format == "text":
                handler.setFormatter(_WithText(handler.formatter))
        if as_json:
            logging.getLogger().setLevel(logging.WARNING)

    def start_progress(self, images: int) -> None:
        """Show a progress bar, if standard error is a terminal and not for a program."""
        if not self._as_json and sys.stderr.isatty():
            self._bar = tqdm(total=images, unit="image", file=sys.stderr, leave=False, dynamic_ncols=True)

    def advance(self) -> None:
        """One image more has its answer."""
        if self._bar is not None:
            with self._bar_lock:  # several threads count
                self._bar.update()

    def end_progress(self) -> None:
        """Remove the progress bar; safe to call twice."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def write(self, text: str) -> int:
        """Print whole lines. Does not raise when nobody reads them: see `check`."""
        if self._is_gone:
            return len(text)
        try:
            with self._bar_lock:
                if self._bar is None:
                    _print(text)
                else:
                    with tqdm.external_write_mode(file=sys.stdout):
                        _print(text)
        except OSError as error:
            self._is_gone = True
            if not isinstance(error, BrokenPipeError) and sys.stderr is not None:
                sys.stderr.write(f"Standard output cannot be written to: {error.strerror}.\n")
            _send_output_nowhere()
        return len(text)

    def flush(self) -> None:
        """Nothing to do: `write` flushes. A log's stream must have it."""

    def check(self) -> None:
        """Raises OutputGone when nobody reads standard output any more."""
        if self._is_gone:
            raise OutputGone

    @property
    def is_ascii(self) -> bool:
        """True when standard output cannot show all characters."""
        return not (sys.stdout.encoding or "utf-8").lower().startswith("utf")


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # before any of it is written
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _send_output_nowhere() -> None:
    """Or the interpreter, flushing once more at its end, would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class _WithText(logging.Formatter):
    """Puts the text of a page below its event's line: in one record, so that no other thread's line comes between."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        event = self._inner.format(record)
        text = getattr(record, TEXT, "")
        if not text:
            return event
        return "\n".join([event, *((_INDENT + _shown(line)).rstrip() for line in text.strip("\n").split("\n"))])


def _shown(line: str) -> str:
    return printable(line.expandtabs())
