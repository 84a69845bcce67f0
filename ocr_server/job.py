"""One image: a request and an engine in, an answer or a failure out. Whatever the image is, it returns an answer."""

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from protocol.bodies import Addressee, Details, OcrAnswer, OcrRequest, failure, success
from protocol.errors import ErrorCode, Refusal
from settings.schema import Ocr

from .chinese import tidied, tidied_layout
from .engine import Engine, EngineFailed, EngineTimeout, LanguageFailed
from .image import Page
from .looks import best_look
from .options import Options, options_of
from .outputs import Sheet, make
from .outputs.layout import Layout
from .outputs.picture import MAX_PICTURES, picture_of
from .reading import Reading
from .scripts import Languages

log = logging.getLogger("OCR_Server")

FORM_FEED: Final = "\f"
"""Between the texts of a TIFF's pages."""

LAYOUT_ONLY_MODES: Final = (0, 2)
"""They look at orientation and layout and read nothing; the two engines would say so in different ways."""

GUESS_SECONDS: Final = 2.0
GUESS_LOOKS: Final = 2
"""What may be spent on guesses at a page that was read badly, or is empty: so many seconds, and times its first look.
Noise that is looked at as a block takes a minute."""

Pages = Callable[[bytes, int, str, Sequence[str]], Iterator[Page]]
Clock = Callable[[], float]


def recognise(
    request: OcrRequest,
    engine: Engine,
    settings: Ocr,
    installed: Sequence[str],
    pages: Pages,
    clock: Clock = time.monotonic,
) -> OcrAnswer:
    """Read an image; every page of it within the one time limit. installed: languages that there are."""
    to = Addressee(request.client_uuid, request.image_file_name, request.request_id)
    work = _Work(engine, clock, deadline=clock() + settings.timeout)
    try:
        options = options_of(request.options, settings, installed)
        found = pages(request.image, settings.max_pixels, options.preprocess, options.all_languages)
        texts = [work.read(page, options, request.image) for page in found]
        outputs = make(options.outputs, work.sheets, request.image_file_name)
    except Refusal as refusal:
        return failure(to, refusal.code, str(refusal), work.details())
    except LanguageFailed as error:
        sentence = str(Refusal(ErrorCode.BAD_OPTION, str(error)))
        return failure(to, ErrorCode.BAD_OPTION, sentence, work.details())
    except EngineTimeout:
        return failure(to, ErrorCode.OCR_TIMEOUT, timeout_sentence(settings.timeout), work.details())
    except EngineFailed as error:
        sentence = str(Refusal(ErrorCode.UNSUPPORTED_IMAGE, f"{error}."))
        return failure(to, ErrorCode.UNSUPPORTED_IMAGE, sentence, work.details())
    except MemoryError:
        return failure(to, ErrorCode.IMAGE_TOO_LARGE, ErrorCode.IMAGE_TOO_LARGE.text, work.details())
    except Exception:
        # A mistake of ours costs this image an answer that says so, not the images after it.
        log.exception(f"reading {request.image_file_name} of {request.client_uuid} failed")
        return failure(to, ErrorCode.INTERNAL, ErrorCode.INTERNAL.text, work.details())
    return success(request, FORM_FEED.join(texts), dataclasses.replace(work.details(), outputs=outputs))


def timeout_sentence(seconds: float) -> str:
    """What an image is answered that took too long."""
    return f"{ErrorCode.OCR_TIMEOUT.text} The limit is {seconds:g} s."


class _Work:
    """What has been done for one image so far."""

    def __init__(self, engine: Engine, clock: Clock, deadline: float) -> None:
        self._engine = engine
        self._clock = clock
        self._deadline = deadline
        self._seconds = 0.0  # the engine's time
        self._left_for_guesses = 0.0  # of it, at the page in hand
        self._confidences: list[float] = []
        self._steps: dict[str, None] = {}  # each once, however many pages
        self._left = MAX_PICTURES
        self.sheets: list[Sheet] = []
        """What the outputs are made of; none where none were asked for."""

    def read(self, page: Page, options: Options, file: bytes) -> str:
        """The text of a page of the file. Raises EngineTimeout, EngineFailed, LanguageFailed, Refusal."""
        before = self._steps
        self._steps = before | dict.fromkeys(page.steps)
        if options.page_seg_mode in LAYOUT_ONLY_MODES:
            self._add_sheet(page, None, options, file)
            return ""
        kept = best_look(page, options, functools.partial(self._look, with_layout=bool(options.outputs)))
        chosen = [f"languages {'+'.join(kept.languages)}"] if options.is_auto else []
        self._steps = before | dict.fromkeys((*kept.page.steps, *chosen, *kept.again))
        if not kept.reading.is_empty:
            self._confidences += kept.reading.confidences
        layout = kept.reading.layout
        self._add_sheet(kept.page, layout and tidied_layout(layout), options, file)
        return tidied(kept.reading.text.removesuffix(FORM_FEED))

    def _add_sheet(self, page: Page, layout: Layout | None, options: Options, file: bytes) -> None:
        if not options.outputs:
            return
        stored = page.image if page.stored is None else page.stored
        picture = picture_of(stored, file, self._left) if "pdf" in options.outputs else None
        self._left -= picture.size if picture else 0
        self.sheets.append(Sheet(layout or Layout(*page.image.size), page.to_stored, *stored.size, picture))

    def _look(self, page: Page, languages: Languages, mode: int, is_guess: bool, with_layout: bool) -> Reading:
        begun = self._clock()
        left = self._deadline - begun
        if is_guess:
            left = min(left, self._left_for_guesses)
        if left <= 0:
            raise EngineTimeout
        try:
            return self._engine.read(page, languages, mode, left, with_layout)
        finally:
            seconds = self._clock() - begun
            self._seconds += seconds
            if is_guess:
                self._left_for_guesses -= seconds
            else:
                self._left_for_guesses = GUESS_SECONDS + GUESS_LOOKS * seconds

    def details(self) -> Details:
        """What an answer to a v2 client says beside the text."""
        words = self._confidences
        return Details(
            confidence=round(sum(words) / len(words), 1) if words else None,
            elapsed_ms=round(self._seconds * 1000, 1),
            steps=tuple(self._steps),
        )
