"""What a client may ask for, and the sentence for what it may not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_server.options import Options, how_to_install, options_of
from protocol.errors import ErrorCode, Refusal
from settings.schema import Ocr

INSTALLED = ("eng", "chi_tra")
OTHER_SETS = (("chi_tra",), ("deu", "eng", "chi_tra"))


def _refused(asked: dict[str, Any]) -> str:
    with pytest.raises(Refusal) as caught:
        options_of(asked, Ocr(), INSTALLED)
    assert caught.value.code is ErrorCode.BAD_OPTION
    return str(caught.value)


def test_who_asks_for_nothing_gets_what_the_settings_say() -> None:
    assert options_of({}, Ocr(("chi_tra",), 6, "none"), INSTALLED) == Options(("chi_tra",), 6, "none")


def test_what_is_asked_for_goes_before_the_settings() -> None:
    asked = {
        "Languages": ["chi_tra", "eng", "chi_tra"],
        "PageSegMode": 7,
        "Outputs": ["pdf", "words", "pdf"],
        "Preprocess": "none",
    }
    assert options_of(asked, Ocr(), INSTALLED) == Options(("chi_tra", "eng"), 7, "none", ("pdf", "words"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"Colour": "blue"}, ["Colour = blue", "Languages, PageSegMode, Outputs and Preprocess"]),
        ({"Languages": "eng"}, ["Languages = eng", "a list", "eng, chi_tra"]),
        ({"Languages": []}, ["Languages = []", "one or more"]),
        ({"Languages": ["eng", 5]}, ["Languages = ['eng', 5]"]),
        ({"Languages": ["eng", "deu"]}, ["Languages = deu", "eng, chi_tra", "apt install tesseract-ocr-deu"]),
        ({"Languages": ["auto", "eng"]}, ["Languages = ['auto', 'eng']", "stands alone"]),
        ({"Languages": ["../eng"]}, ["Languages = ../eng", "not installed", "eng, chi_tra"]),
        ({"PageSegMode": 14}, ["PageSegMode = 14", "0 to 13"]),
        ({"PageSegMode": -1}, ["PageSegMode = -1", "0 to 13"]),
        ({"PageSegMode": "3"}, ["PageSegMode = 3", "whole number"]),
        ({"PageSegMode": True}, ["PageSegMode = True", "whole number"]),
        ({"PageSegMode": 3.0}, ["PageSegMode = 3.0", "whole number"]),
        ({"Outputs": ["words", "docx"]}, ["Outputs = ['words', 'docx']", "words, tsv, hocr, alto, pdf"]),
        ({"Outputs": "pdf"}, ["Outputs = pdf", "a list"]),
        ({"Preprocess": "strong"}, ["Preprocess = strong", "auto and none"]),
        ({"Preprocess": ["auto"]}, ["Preprocess = ['auto']", "auto and none"]),
    ],
    ids=str,
)
def test_what_is_not_possible_is_named_with_its_value_and_what_is_allowed(
    asked: dict[str, Any], said: list[str]
) -> None:
    sentence = _refused(asked)
    for part in said:
        assert part in sentence


def test_auto_chooses_among_the_languages_of_the_settings_a_script_at_a_time() -> None:
    settings = Ocr(languages=("eng", "deu", "chi_tra"))
    options = options_of({"Languages": ["auto"]}, settings, (*settings.languages, "rus"))
    assert (options.languages, options.or_languages, options.is_auto) == (("deu", "eng"), OTHER_SETS, True)
    assert options.all_languages == ("deu", "eng", "chi_tra")


@pytest.mark.parametrize("asked", [{}, {"Languages": ["auto"]}])
def test_where_the_settings_say_auto_it_chooses_among_all_that_are_installed(asked: dict[str, Any]) -> None:
    options = options_of(asked, Ocr(languages=("auto",)), ("chi_tra", "deu", "eng"))
    assert (options.languages, options.or_languages, options.is_auto) == (("deu", "eng"), OTHER_SETS, True)


def test_languages_that_are_named_are_taken_in_their_order_whatever_the_settings_say() -> None:
    options = options_of({"Languages": ["eng", "chi_tra"]}, Ocr(languages=("auto",)), INSTALLED)
    assert (options.languages, options.or_languages, options.is_auto) == (("eng", "chi_tra"), (), False)


def test_only_the_name_of_a_language_gets_into_a_command() -> None:
    assert "apt" not in _refused({"Languages": ["eng; reboot"]})
    assert how_to_install(["chi_tra", "Deu"]).startswith("'apt install tesseract-ocr-chi-tra tesseract-ocr-deu'")


def test_a_value_without_end_does_not_make_a_sentence_without_end() -> None:
    endless: Any = "x" * 10_000
    assert len(_refused({"Preprocess": endless})) < 500
    assert len(_refused({endless: 1})) < 500
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    assert "nested" in _refused({"PageSegMode": nested})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
NAMES = st.sampled_from(["Languages", "PageSegMode", "Outputs", "Preprocess"]) | st.text(max_size=3)


@given(st.dictionaries(NAMES, JSON, max_size=3))
def test_whatever_is_asked_for_it_is_done_or_refused(asked: dict[str, Any]) -> None:
    try:
        options = options_of(asked, Ocr(), INSTALLED)
    except Refusal as refusal:
        assert refusal.code is ErrorCode.BAD_OPTION
    else:
        assert set(options.languages) <= set(INSTALLED)
        assert options.page_seg_mode in range(14)
