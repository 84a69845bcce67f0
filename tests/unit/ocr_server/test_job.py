"""One image, with an engine of the tests' own."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from PIL import Image

from ocr_server.engine import EngineFailed, EngineTimeout, LanguageFailed
from ocr_server.image import Page
from ocr_server.job import GUESS_LOOKS, GUESS_SECONDS
from ocr_server.job import recognise as recognise_with
from ocr_server.outputs.layout import Block, Layout, Line, Paragraph, Word
from ocr_server.outputs.projective import Projective
from ocr_server.reading import Reading
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

    def read(
        self, page: Page, languages: tuple[str, ...], page_seg_mode: int, seconds: float, with_layout: bool = False
    ) -> Reading:
        self.languages.append(languages)
        self.modes.append(page_seg_mode)
        self.seconds.append(seconds)
        text = self._say(page_seg_mode)
        layout = layout_of_one_word(text) if with_layout else None
        return Reading(text, tuple(itertools.islice(self._confidences, 1)), layout)


def layout_of_one_word(text: str) -> Layout:
    word = (Word(text.strip(), 90, (1, 2, 8, 9), (1, 8), (8, 8)),) if text.strip() else ()
    line = Line((1, 2, 8, 9), (1, 8), (8, 8), (0, -6), word)
    return Layout(10, 10, (Block(line.box, (Paragraph(line.box, (line,)),)),) if word else ())


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


def test_guesses_at_an_empty_page_get_a_share_of_the_time_and_cost_no_more_than_that() -> None:
    now = [0.0]

    class Slow(FakeEngine):
        def read(
            self, page: Page, languages: tuple[str, ...], page_seg_mode: int, seconds: float, with_layout: bool = False
        ) -> Reading:
            super().read(page, languages, page_seg_mode, seconds, with_layout)
            now[0] += min(seconds, 1.0 if page_seg_mode == 3 else 20.0)
            if seconds < 20.0 and page_seg_mode != 3:
                raise EngineTimeout
            return Reading("")

    engine = Slow(lambda mode: "")
    answer = recognise(REQUEST, engine, Ocr(timeout=60), _pages(2), clock=lambda: now[0])
    guesses = GUESS_SECONDS + GUESS_LOOKS * 1.0
    assert (answer.error_code, answer.ocr_result, now[0]) == ("", "\f", 2 * (1.0 + guesses))
    assert engine.seconds == [60.0, guesses, 60.0 - 1.0 - guesses, guesses]


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


def test_who_leaves_the_choice_of_languages_is_told_it_and_only_of_the_look_that_is_kept() -> None:
    class Chinese(FakeEngine):
        def read(
            self, page: Page, languages: tuple[str, ...], page_seg_mode: int, seconds: float, with_layout: bool = False
        ) -> Reading:
            super().read(page, languages, page_seg_mode, seconds, with_layout)
            if languages[0] == "chi_tra":
                return Reading("海 邊 , 的 圖 書 館\n\f", (91.0, 93.0))
            return Reading("Ail tl SER EB", (30.0, 42.0))

    engine = Chinese(lambda mode: "")
    settings = Ocr(languages=("eng", "deu", "chi_tra"))
    answer = recognise(_asking_for({"Languages": ["auto"]}), engine, settings, _pages(1))
    assert engine.languages == [("deu", "eng"), ("chi_tra",)]
    assert (answer.ocr_result, answer.details.confidence) == ("海邊，的圖書館\n", 92.0)
    assert answer.details.steps == ("languages chi_tra",)


# Outputs


def _asking(*names: str) -> OcrRequest:
    return _asking_for({"Outputs": list(names)})


def _asking_for(options: dict[str, object]) -> OcrRequest:
    return dataclasses.replace(REQUEST, request_id="r", options=options)


def test_without_outputs_none_are_made_and_no_layout_is_asked_for() -> None:
    answer = recognise(_asking(), FakeEngine(lambda mode: "text\n"), Ocr(), _pages(2))
    assert answer.details.outputs == {}


def test_outputs_are_made_of_the_same_look_as_the_text() -> None:
    engine = FakeEngine(lambda mode: "is\n" if mode == 8 else "")
    outputs = recognise(_asking("words", "tsv"), engine, Ocr(), _pages(2)).details.outputs
    assert engine.modes == [3, 6, 7, 8] * 2
    assert [(word["Text"], word["Page"]) for word in outputs["words"]] == [("is", 1), ("is", 2)]
    assert list(outputs) == ["words", "tsv"]


def test_an_empty_page_and_one_of_which_only_the_layout_was_asked_have_outputs_too() -> None:
    engine = FakeEngine(lambda mode: "\n")
    outputs = recognise(_asking("words", "pdf"), engine, Ocr(), _pages(1)).details.outputs
    assert (outputs["words"], outputs["pdf"][:5]) == ([], b"%PDF-")
    asked = _asking_for({"Outputs": ["words"], "PageSegMode": 0})
    assert recognise(asked, engine, Ocr(), _pages(1)).details.outputs == {"words": []}


def test_places_are_those_of_the_stored_page() -> None:
    stored = Image.new("L", (100, 100))
    page = dataclasses.replace(BLANK, stored=stored, to_stored=Projective.scaled(10, 10))
    outputs = recognise(_asking("words"), FakeEngine(lambda mode: "is"), Ocr(), _pages(1, page)).details.outputs
    assert outputs["words"][0]["Box"] == [10, 20, 80, 90]


def test_pictures_that_do_not_fit_into_an_answer_are_refused_and_other_outputs_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ocr_server.job.MAX_PICTURES", 5_000)
    noise = dataclasses.replace(BLANK, stored=Image.effect_noise((100, 100), 90).convert("1"))
    engine = FakeEngine(lambda mode: "is")
    assert recognise(_asking("pdf"), engine, Ocr(), _pages(1, noise)).error_code == ""
    assert recognise(_asking("pdf"), engine, Ocr(), _pages(4, noise)).error_code == ErrorCode.RESULT_TOO_LARGE
    assert recognise(_asking("tsv"), engine, Ocr(), _pages(4, noise)).error_code == ""
