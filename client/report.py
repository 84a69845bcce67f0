"""What became of each image: printed as it happens, counted, and summed up in a table."""

import array
import json
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from settings.command_line import Exit
from settings.event_log import ids

from .console import TEXT, Console
from .errors import AnswerTimeout, ConnectionLost, ImageFailed, OcrClientError, ResultNotSaved, exit_code
from .events import Recognition
from .folder import ImageFile, names
from .result_files import ResultFiles, shown
from .summary import Totals, table

log = logging.getLogger("Client")


class Report:
    """Tells what becomes of the images of a run; all threads may call it.

    result_files: None saves nothing. as_json: a JSON line for each image, and no table.
    """

    def __init__(self, console: Console, result_files: ResultFiles | None, *, as_json: bool) -> None:
        self._console = console
        self._files = result_files
        self._as_json = as_json
        self._lock = threading.Lock()
        self._happened: set[Exit] = set()
        self._images = self._failed = 0
        self._latencies = array.array("d")
        self._started = time.monotonic()

    @property
    def exit_code(self) -> Exit:
        """The exit code for all that has happened."""
        with self._lock:
            return exit_code(self._happened)

    def start(self, images: int) -> None:
        """A run with this many images begins."""
        self._images = images
        self._started = time.monotonic()
        self._console.start_progress(images)

    def without_those_in_the_way(self, images: Sequence[ImageFile]) -> list[ImageFile]:
        """The images that are worth sending: those whose results could not be saved are told, and count as failed."""
        if self._files is None:
            return list(images)
        blocked = {one: path for one in images if (path := self._files.in_the_way(one))}
        if not blocked:
            return list(images)
        paths = tuple(path.name for path in blocked.values())
        log.error(
            f"not sent, because their files are in {self._files.folder} already (--overwrite replaces them): "
            f"{len(blocked)} of {len(images)} images: {names(paths)}"
        )
        for one, path in blocked.items():
            self._count_failure(one, ResultNotSaved(one.name, f"{path} is there already; --overwrite replaces it."))
        return [one for one in images if one not in blocked]

    def answered(self, client: logging.Logger, image: ImageFile, answer: Recognition | OcrClientError) -> None:
        """An image has its final answer, or has none. Raises OutputGone."""
        if isinstance(answer, Recognition):
            self._read(client, image, answer)
        else:
            client.error(f"failed: {image.name}: {answer}", extra=ids(image_file_name=image.name))
            self._count_failure(image, answer)
        self._console.check()

    def not_sent(self, images: Sequence[ImageFile], error: OcrClientError) -> None:
        """These images were not sent, all for one reason, which is told once. Raises OutputGone."""
        log.error(str(error))
        for one in images:
            self._count_failure(one, error)
        self._console.check()

    def end(self) -> None:
        """The run is over: no progress bar any more, and the table."""
        self._console.end_progress()
        with self._lock:
            seconds = time.monotonic() - self._started
            totals = Totals(self._images, self._failed, seconds, tuple(self._latencies))
        if self._as_json:
            return
        if self._console.log_format == "json":
            log.info("summary", extra=ids(**totals.facts()))
        else:
            self._console.write(table(totals.facts()))

    def _read(self, client: logging.Logger, image: ImageFile, read: Recognition) -> None:
        name, seconds, text = image.name, round(read.seconds, 3), read.text.strip()
        facts = ids(image_file_name=name, seconds=seconds, text=read.text, confidence=read.confidence)
        facts[TEXT] = read.text if text and not self._as_json else ""
        try:
            saved = self._files.save(image, read) if self._files is not None else []
        except ResultNotSaved as error:
            client.error(f"failed: {name}: {error}", extra=facts)  # the text is there, and shown all the same
            self._count_failure(image, error, text=read.text)
            return
        where = ("" if text else ", no text in it") + (f", saved as {shown(saved)}" if saved else "")
        client.info(f"result: {name} in {read.seconds:.2f} s{where}", extra=facts)
        with self._lock:
            self._latencies.append(read.seconds)
        if self._as_json:
            files = {"files": list(map(str, saved))} if saved else {}
            numbers = {"seconds": seconds, "confidence": read.confidence}
            self._json_line(image, {"status": "SUCCESS", "text": read.text, **numbers, **files})
        self._console.advance()

    def _count_failure(self, image: ImageFile, error: OcrClientError, **facts: str) -> None:
        with self._lock:
            self._failed += 1
            self._happened.add(error.exit_code)
        self._json_line(image, {"status": _status(error), "error": str(error), **facts})
        self._console.advance()

    def _json_line(self, image: ImageFile, facts: dict[str, Any]) -> None:
        if self._as_json:
            line = {"file": image.name, **facts}
            self._console.write(json.dumps(line, ensure_ascii=self._console.is_ascii) + "\n")


def _status(error: OcrClientError) -> str:
    if isinstance(error, AnswerTimeout):
        return "TIMEOUT"
    if isinstance(error, ResultNotSaved):
        return "NOT_SAVED"
    if isinstance(error, ImageFailed):
        return "FAILED"
    return "LOST" if isinstance(error, ConnectionLost) else "NOT_SENT"
