"""Ours through the whole stack, as a client's program has it: gateway, RabbitMQ, an OCR server with one process."""

import contextlib
from collections.abc import Iterator, Sequence

from benchmarks import stack
from client import OcrClient
from client.errors import ImageFailed

from .cases import Case
from .reading import CONFIGURED, Read

_DEFAULT = ("eng",)


class Stacked:
    """Reads as a client has it read; the time is the engine's alone. Made by `running`.

    The server is configured with all languages, so that it can find out by itself; whoever says none gets the default
    of a server that nobody has configured.
    """

    def __init__(self, ocr: OcrClient, preprocess: str) -> None:
        self._ocr = ocr
        self._preprocess = preprocess

    def read(
        self, case: Case, languages: tuple[str, ...], preprocess: str | None = None, outputs: Sequence[str] = ()
    ) -> Read:
        """The answer's text; nothing where the answer is a failure."""
        try:
            read = self._ocr.recognize(
                case.content,
                name=case.file_name,
                languages=languages or _DEFAULT,
                preprocess=preprocess or self._preprocess,
                outputs=outputs,
            )
        except ImageFailed as error:
            return Read("", problem=str(error))
        return Read(read.text, read.steps, milliseconds=read.elapsed_ms or 0.0, outputs=read.outputs)


@contextlib.contextmanager
def running(preprocess: str) -> Iterator[Stacked]:
    """A stack on a private broker, which is stopped in the end."""
    languages = f"OCR.languages={' '.join(CONFIGURED)}"
    with (
        stack.running() as started,
        started.reading(languages, processes=1) as gateway,
        OcrClient(f"ws://127.0.0.1:{gateway.port}", answer_timeout=300) as ocr,
    ):
        yield Stacked(ocr, preprocess)
