"""The engines' own logic, with a library of the tests' own in Tesseract's place."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ocr_server import engine
from ocr_server.engine import LOADED_LANGUAGES, Choice, EngineMissing, LanguageFailed, load
from ocr_server.image import Page
from ocr_server.reading import Reading, TextLine


class FakeApi:
    loaded: list[str] = []  # noqa: RUF012 - set anew by each test
    ended: list[str] = []  # noqa: RUF012

    def __init__(self, path: str, lang: str) -> None:
        if "absent" in lang:
            raise RuntimeError("Failed to init API")
        self._lang = lang
        self.loaded.append(lang)

    def GetLoadedLanguages(self) -> list[str]:  # noqa: N802
        return [language for language in self._lang.split("+") if language != "damaged"]

    def End(self) -> None:  # noqa: N802
        self.ended.append(self._lang)

    def __getattr__(self, name: str) -> Any:
        answers: dict[str, Any] = {"Recognize": True, "GetUTF8Text": self._lang, "AllWordConfidences": [90]}
        return lambda *_: answers.get(name)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was loaded, in order."""
    monkeypatch.setitem(
        sys.modules, "tesserocr", SimpleNamespace(PyTessBaseAPI=FakeApi, RIL=SimpleNamespace(TEXTLINE=2, WORD=3))
    )
    FakeApi.loaded, FakeApi.ended = [], []
    return FakeApi.loaded


CHOICE = Choice("tesserocr", None, "/tessdata", ("eng",), ("eng", "deu"))
PAGE = Page(SimpleNamespace(size=(1, 1), getbands=lambda: ("L",), tobytes=lambda: b"\0"), None)  # type: ignore[arg-type]


def test_the_languages_of_the_settings_are_loaded_once(loaded: list[str]) -> None:
    reader = load(CHOICE)
    for _ in range(3):
        assert reader.read(PAGE, ("eng",), 3, 1.0) == Reading("eng", (90.0,))
    assert loaded == ["eng"]


def test_so_many_sets_of_languages_stay_loaded_and_the_one_not_used_longest_goes(loaded: list[str]) -> None:
    reader = load(CHOICE)
    others = [str(number) for number in range(LOADED_LANGUAGES - 1)]
    for language in (*others, "eng", "one more", "eng"):
        reader.read(PAGE, (language,), 3, 1.0)
    assert loaded == ["eng", *others, "one more"]
    assert FakeApi.ended == [others[0]]


@pytest.mark.parametrize("languages", [("absent",), ("eng", "damaged")])
def test_a_language_that_cannot_be_loaded_is_told_and_the_others_are_still_read(
    loaded: list[str], languages: tuple[str, ...]
) -> None:
    reader = load(CHOICE)
    with pytest.raises(LanguageFailed, match=f"{', '.join(languages)} from /tessdata"):
        reader.read(PAGE, languages, 3, 1.0)
    assert reader.read(PAGE, ("eng",), 3, 1.0).text == "eng"


def test_a_server_whose_own_language_is_damaged_does_not_start(loaded: list[str]) -> None:
    with pytest.raises(EngineMissing, match="install them anew"):
        load(Choice("tesserocr", None, "/tessdata", ("damaged",), ("damaged",)))


def test_confidences_are_those_of_the_rows_with_words() -> None:
    rows = [
        "level\tword_num\tconf\ttext",
        "1\t0\t-1\t",
        "4\t0\t-1\t",
        "5\t1\t96.25\tHello",
        "5\t2\t95\t ",
        "5\t3\t80.5\t2026",
        "",
    ]
    assert list(engine._confidences("\n".join(rows))) == [96.25, 80.5]


def test_lines_are_those_with_words() -> None:
    rows = [
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext",
        "4\t1\t1\t1\t1\t0\t10\t20\t100\t30\t-1\t",
        "5\t1\t1\t1\t1\t1\t10\t20\t40\t30\t96\tHello",
        "5\t1\t1\t1\t1\t2\t60\t20\t50\t30\t80\tworld",
        "4\t1\t2\t1\t1\t0\t10\t90\t100\t30\t-1\t",
        "5\t1\t2\t1\t1\t1\t10\t90\t40\t30\t95\t ",
        "",
    ]
    assert list(engine._lines("\n".join(rows))) == [TextLine((10, 20, 110, 50), "Hello world", 88)]
