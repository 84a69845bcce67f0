"""One image: a request and an engine in, an answer or a failure out. Whatever the image is, it returns an answer."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

from protocol.bodies import Addressee, OcrAnswer, OcrRequest, failure, success
from protocol.errors import ErrorCode, Refusal
from settings.schema import Ocr

from .engine import Engine, EngineFailed, EngineTimeout
from .image import Page

log = logging.getLogger("OCR_Server")

FORM_FEED: Final = "\f"
"""Between the texts of a TIFF's pages."""

LAYOUT_ONLY_MODES: Final = (0, 2)
"""They look at orientation and layout and read nothing; the two engines would say so in different ways."""

FULL_PAGE_MODES: Final = (1, 3)
SECOND_LOOKS: Final = (6, 7, 8)
"""As a block, a line, a word: how a page is looked at again that the engine's layout analysis finds empty."""

Pages = Callable[[bytes, int, str], Iterator[Page]]
Clock = Callable[[], float]


def recognise(
    request: OcrRequest, engine: Engine, settings: Ocr, pages: Pages, clock: Clock = time.monotonic
) -> OcrAnswer:
    """Read an image; every page of it within the one time limit."""
    deadline = clock() + settings.timeout

    def seconds_left() -> float:
        left = deadline - clock()
        if left <= 0:
            raise EngineTimeout
        return left

    try:
        texts = [
            _read(page, engine, settings, seconds_left)
            for page in pages(request.image, settings.max_pixels, settings.preprocess)
        ]
    except Refusal as refusal:
        return _failure(request, refusal.code, str(refusal))
    except EngineTimeout:
        return _failure(request, ErrorCode.OCR_TIMEOUT, timeout_sentence(settings.timeout))
    except EngineFailed as error:
        return _failure(request, ErrorCode.UNSUPPORTED_IMAGE, str(Refusal(ErrorCode.UNSUPPORTED_IMAGE, f"{error}.")))
    except MemoryError:
        return _failure(request, ErrorCode.IMAGE_TOO_LARGE, ErrorCode.IMAGE_TOO_LARGE.text)
    except Exception:
        # A mistake of ours costs this image an answer that says so, not the images after it.
        log.exception(f"reading {request.image_file_name} of {request.client_uuid} failed")
        return _failure(request, ErrorCode.INTERNAL, ErrorCode.INTERNAL.text)
    return success(request, FORM_FEED.join(texts))


def timeout_sentence(seconds: float) -> str:
    """What an image is answered that took too long."""
    return f"{ErrorCode.OCR_TIMEOUT.text} The limit is {seconds:g} s."


def _read(page: Page, engine: Engine, settings: Ocr, seconds_left: Callable[[], float]) -> str:
    mode = settings.page_seg_mode
    if mode in LAYOUT_ONLY_MODES:
        return ""
    looks_again = settings.preprocess == "auto" and mode in FULL_PAGE_MODES and not page.is_blank
    looks = (mode, *SECOND_LOOKS) if looks_again else (mode,)
    text = ""
    for look in looks:
        text = engine.read(page, look, seconds_left()).removesuffix(FORM_FEED)
        if text.strip():
            break
    return text


def _failure(request: OcrRequest, code: ErrorCode, sentence: str) -> OcrAnswer:
    return failure(Addressee(request.client_uuid, request.image_file_name, request.request_id), code, sentence)
