"""One image, with an engine of the tests' own."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from PIL import Image

from ocr_server.engine import EngineFailed, EngineTimeout, LanguageFailed, Reading
from ocr_server.image import Page
from ocr_server.job import recognise as recognise_with
from protocol.bodies import OcrAnswer, OcrRequest
from protocol.errors import ErrorCode, Refusal
from settings.schema import Ocr

REQUEST = OcrRequest("u", "a.png", b"bytes")
BLANK = Page(Image.new("L", (10, 10)), None)
Pages = Callable[[bytes, int, str, Sequence[str]], Iterator[Page]]
Clock = Callable[[], float]


def zero() -> float:
    return 0.0


class FakeEngine:
    """Answers each look as told, and remembers how it was asked."""

    def __init__(self, say: Callable[[int], str], confidences: Iterable[float] = ()) -> None:
        self._say = say
        self._confidences = iter(confidences)
        self.languages: list[tuple[str, ...]] = []
        self.modes: list[int] = []
        self.seconds: list[float] = []

    def read(self, page: Page, languages: tuple[str, ...], page_seg_mode: int, seconds: float) -> Reading:
        self.languages.append(languages)
        self.modes.append(page_seg_mode)
        self.seconds.append(seconds)
        return Reading(self._say(page_seg_mode), tuple(itertools.islice(self._confidences, 1)))


def recognise(request: OcrRequest, engine: FakeEngine, settings: Ocr, pages: Pages, clock: Clock = zero) -> OcrAnswer:
    return recognise_with(request, engine, settings, ("eng", "deu"), pages, clock)


def _pages(count: int, page: Page = BLANK) -> Pages:
    return lambda data, max_pixels, preprocess, languages: iter([page] * count)


def _refusing(data: bytes, max_pixels: int, preprocess: str, languages: Sequence[str]) -> Iterator[Page]:
    raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, "It is a poem.")
    yield BLANK


def test_the_text_is_answered_without_its_trailing_form_feed() -> None:
    answer = recognise(REQUEST, FakeEngine(lambda mode: " text \n\f"), Ocr(), _pages(1))
    assert (answer.client_uuid, answer.image_file_name, answer.ocr_result) == ("u", "a.png", " text \n")
    assert answer.error_code == ""


def test_pages_are_joined_by_a_form_feed() -> None:
    answer = recognise(REQUEST, FakeEngine(lambda mode: "text\n\f"), Ocr(), _pages(2))
    assert answer.ocr_result == "text\n\ftext\n"


def test_an_empty_page_is_looked_at_as_a_block_a_line_a_word() -> None:
    engine = FakeEngine(lambda mode: "is\n" if mode == 8 else " \n")
    assert recognise(REQUEST, engine, Ocr(), _pages(1)).ocr_result == "is\n"
    assert engine.modes == [3, 6, 7, 8]


@pytest.mark.parametrize("settings", [Ocr(preprocess="none"), Ocr(page_seg_mode=11)])
def test_nobody_looks_twice_who_was_told_how_to_look(settings: Ocr) -> None:
    engine = FakeEngine(lambda mode: "")
    assert recognise(REQUEST, engine, settings, _pages(1)).ocr_result == ""
    assert engine.modes == [settings.page_seg_mode]


def test_a_blank_page_is_looked_at_once() -> None:
    engine = FakeEngine(lambda mode: "" if mode == 3 else "letters that are not there")
    blank = Page(Image.new("L", (10, 10)), None, is_blank=True)
    answer = recognise(REQUEST, engine, Ocr(), _pages(1, blank))
    assert (answer.ocr_result, engine.modes) == ("", [3])


@pytest.mark.parametrize(("says", "modes"), [(6, [6]), (8, [6, 7, 8])])
def test_a_single_line_has_no_layout_to_find_out(says: int, modes: list[int]) -> None:
    engine = FakeEngine(lambda mode: "is\n" if mode == says else "")
    line = Page(BLANK.image, None, is_line=True)
    assert recognise(REQUEST, engine, Ocr(), _pages(1, line)).ocr_result == "is\n"
    assert engine.modes == modes


def test_a_single_line_is_looked_at_as_the_client_says() -> None:
    engine = FakeEngine(lambda mode: "")
    recognise(REQUEST, engine, Ocr(page_seg_mode=4), _pages(1, Page(BLANK.image, None, is_line=True)))
    assert engine.modes == [4]


@pytest.mark.parametrize("mode", [0, 2])
def test_modes_that_look_at_the_layout_only_read_nothing(mode: int) -> None:
    engine = FakeEngine(lambda mode: "text")
    assert recognise(REQUEST, engine, Ocr(page_seg_mode=mode), _pages(1)).ocr_result == ""
    assert engine.modes == []


def test_a_refused_image_is_answered_with_the_reason() -> None:
    answer = recognise(REQUEST, FakeEngine(lambda mode: ""), Ocr(), _refusing)
    assert answer.error_code == ErrorCode.UNSUPPORTED_IMAGE
    assert answer.error_message.startswith("It is a poem.")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineTimeout(), ErrorCode.OCR_TIMEOUT),
        (EngineFailed("Image too large"), ErrorCode.UNSUPPORTED_IMAGE),
        (ValueError("a mistake"), ErrorCode.INTERNAL),
        (LanguageFailed("Tesseract cannot load eng from /nowhere."), ErrorCode.BAD_OPTION),
        (MemoryError(), ErrorCode.IMAGE_TOO_LARGE),
    ],
)
def test_whatever_the_engine_does_there_is_an_answer(error: Exception, code: ErrorCode) -> None:
    def fail(mode: int) -> str:
        raise error

    answer = recognise(REQUEST, FakeEngine(fail), Ocr(), _pages(1))
    assert answer.error_code == code
    assert answer.error_message


def test_all_pages_share_one_time_limit() -> None:
    now = iter([0.0, 10.0, 45.0, 45.0, 61.0, 61.0])
    engine = FakeEngine(lambda mode: "text")
    answer = recognise(REQUEST, engine, Ocr(timeout=60), _pages(3), clock=lambda: next(now))
    assert engine.seconds == [50.0, 15.0]
    assert answer.error_code == ErrorCode.OCR_TIMEOUT
    assert "60 s" in answer.error_message


def test_confidence_is_the_mean_over_the_words_of_all_pages_and_elapsed_the_time_of_the_engine() -> None:
    now = itertools.count(0.0, 0.25)
    engine = FakeEngine(lambda mode: "text", confidences=[90.0, 81.0])
    answer = recognise(REQUEST, engine, Ocr(), _pages(2), clock=lambda: next(now))
    assert answer.details.confidence == 85.5
    assert answer.details.elapsed_ms == 500.0


def test_without_words_there_is_no_confidence() -> None:
    answer = recognise(REQUEST, FakeEngine(lambda mode: " \n", confidences=[95.0] * 9), Ocr(), _pages(1))
    assert answer.details.confidence is None


def test_steps_are_those_of_the_pages_and_of_the_second_looks_each_once() -> None:
    page = Page(BLANK.image, None, steps=("inverted", "border"))
    engine = FakeEngine(lambda mode: "text" if mode == 7 else "")
    answer = recognise(REQUEST, engine, Ocr(), _pages(2, page))
    assert answer.details.steps == ("inverted", "border", "looked again as a block", "looked again as a line")


def test_a_failure_tells_the_engine_s_time_too() -> None:
    def fail(mode: int) -> str:
        raise EngineTimeout

    now = itertools.count(0.0, 2.0)
    answer = recognise(REQUEST, FakeEngine(fail), Ocr(), _pages(1), clock=lambda: next(now))
    assert (answer.error_code, answer.details.elapsed_ms) == (ErrorCode.OCR_TIMEOUT, 2000.0)


def test_the_client_s_options_go_before_the_settings() -> None:
    asked: list[object] = []

    def pages(data: bytes, max_pixels: int, preprocess: str, languages: Sequence[str]) -> Iterator[Page]:
        asked.extend((preprocess, languages))
        yield BLANK

    options = {"Languages": ["deu", "eng"], "PageSegMode": 6, "Preprocess": "none"}
    engine = FakeEngine(lambda mode: "text")
    recognise(OcrRequest("u", "a.png", b"", "r", options), engine, Ocr(), pages)
    assert (engine.languages, engine.modes, asked) == ([("deu", "eng")], [6], ["none", ("deu", "eng")])


def test_a_bad_option_is_answered_and_nothing_is_read() -> None:
    engine = FakeEngine(lambda mode: "text")
    answer = recognise(OcrRequest("u", "a.png", b"", "r", {"Colour": "blue"}), engine, Ocr(), _pages(1))
    assert (answer.error_code, answer.request_id, engine.modes) == (ErrorCode.BAD_OPTION, "r", [])
