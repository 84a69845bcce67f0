"""The two that read: the program `tesseract` on the file as it is, and the OCR server's own `job` in this process."""

import dataclasses
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from ocr_server import job
from ocr_server.engine import load
from ocr_server.image import pages
from ocr_server.installation import choose
from protocol.bodies import OcrRequest
from settings.schema import Ocr, TesseractLocation

from .cases import Case
from .classes import AUTO

CONFIGURED: Final = ("eng", "fra", "deu", "chi_tra")
"""The languages that a server has in its settings which is to find out by itself."""

_SECONDS: Final = 120


class NothingToCompareWith(Exception):
    """There is no program `tesseract`, or it does not run; the message says so."""


@dataclasses.dataclass(frozen=True)
class Read:
    """A text, and what is told of it.

    problem: why there is no text, "" when there is one. milliseconds: of the processor. outputs: those asked for.
    """

    text: str
    steps: tuple[str, ...] = ()
    problem: str = ""
    milliseconds: float = 0.0
    outputs: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


class Reader(Protocol):
    """Reads as ours does."""

    def read(
        self, case: Case, languages: tuple[str, ...], preprocess: str | None = None, outputs: Sequence[str] = ()
    ) -> Read:
        """The text; nothing where there is a problem. preprocess: None takes that of all."""


class Plain:
    """The program, with no option but the language, on files that it finds in a folder.

    Raises NothingToCompareWith, also when it reads.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise NothingToCompareWith("There is no program tesseract to compare with: run script/bootstrap.")
        self._program = program
        self._folder = folder

    def read(self, case: Case, languages: tuple[str, ...]) -> Read:
        """What the program prints; nothing where it gives up."""
        path = self._folder / case.file_name
        path.write_bytes(case.content)
        command = [self._program, str(path), "stdout"]
        if languages and languages != AUTO:
            command += ["-l", "+".join(languages)]
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # the same text, and sooner where others use the cores
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, env=environment, check=False)  # noqa: S603
        problem = done.stderr.decode(errors="replace").strip() if done.returncode else ""
        if "Failed loading language" in problem:
            raise NothingToCompareWith(f"{problem.splitlines()[0]}: run script/bootstrap.")
        return Read(done.stdout.decode(errors="replace"), problem=problem)


class Ours:
    """The OCR server's part of an image, as its processes do it. preprocess: "auto" or "none"."""

    def __init__(self, preprocess: str = "auto") -> None:
        os.environ["OMP_THREAD_LIMIT"] = "1"  # as the OCR server's supervisor does
        self._preprocess = preprocess
        self._choice = choose(TesseractLocation(), ("eng",))
        self._engine = load(self._choice)

    def read(
        self, case: Case, languages: tuple[str, ...], preprocess: str | None = None, outputs: Sequence[str] = ()
    ) -> Read:
        """The answer's text; nothing where the answer is a failure. preprocess: None takes that of all."""
        settings = Ocr(preprocess=preprocess or self._preprocess)
        if languages == AUTO:
            settings = dataclasses.replace(settings, languages=CONFIGURED)
        options: dict[str, Any] = {"Outputs": list(outputs)}
        if languages:
            options["Languages"] = list(languages)
        request = OcrRequest("accuracy", case.file_name, case.content, "1", options)
        begun = time.process_time()
        answer = job.recognise(request, self._engine, settings, self._choice.installed, pages)
        milliseconds = 1000 * (time.process_time() - begun)
        problem = f"{answer.error_code}: {answer.error_message}" if answer.error_code else ""
        return Read(answer.ocr_result, answer.details.steps, problem, milliseconds, answer.details.outputs)
