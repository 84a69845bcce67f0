"""Which languages are read together, and which instead."""

from ocr_server.scripts import (
    MOST_OF_A_SCRIPT,
    MOST_SCRIPTS,
    is_for_two_scripts,
    script_of,
    sets_of,
    surer_by,
    widespread,
)


def test_languages_of_a_script_are_read_together_and_english_last() -> None:
    assert sets_of(("eng", "fra", "deu")) == (("fra", "deu", "eng"),)


def test_other_scripts_are_read_instead_and_with_latin_languages_for_the_words_between() -> None:
    assert sets_of(("eng", "fra", "rus")) == (("fra", "eng"), ("rus", "fra", "eng"))


def test_chinese_knows_latin_words_and_is_combined_only_for_pages_with_lines_of_them() -> None:
    sets = sets_of(("eng", "fra", "chi_tra"))
    assert sets == (("fra", "eng"), ("chi_tra",), ("fra", "eng", "chi_tra"))
    assert [is_for_two_scripts(one) for one in sets] == [False, False, True]
    assert not is_for_two_scripts(("rus", "eng"))


def test_the_script_that_is_named_first_is_tried_first() -> None:
    assert sets_of(("chi_tra", "fra")) == (("chi_tra",), ("fra", "chi_tra"), ("fra",))
    assert sets_of(("chi_tra",)) == (("chi_tra",),)


def test_the_two_ways_of_writing_chinese_are_no_set() -> None:
    assert sets_of(("chi_sim", "chi_tra")) == (("chi_sim",), ("chi_tra",))


def test_simplified_chinese_may_be_less_sure_than_traditional_and_still_be_right() -> None:
    simplified, traditional = ("chi_sim",), ("chi_tra",)
    assert surer_by(simplified, traditional) < 0 < surer_by(traditional, simplified)
    assert surer_by(traditional, ("eng",)) == surer_by(traditional, traditional) == 0


def test_a_language_that_nobody_knows_is_taken_for_one_in_latin_letters() -> None:
    assert script_of("my_invoices") == script_of("eng")


def test_of_all_that_can_be_installed_few_are_chosen_and_the_widespread_ones_first() -> None:
    others = ("aze_cyrl", "bul", "ces", "chi_sim", "chi_tra", "deu", "ell", "eng", "equ", "fra", "heb", "hin", "ita")
    installed = ("afr", "ara", "bos", "cat", *others, "jpn", "osd", "rus", "spa")
    chosen = widespread(installed)
    assert sorted(chosen) == sorted(["eng", "fra", "deu", "spa", "chi_tra", "chi_sim", "rus", "bul", "aze_cyrl"])
    assert chosen[:MOST_OF_A_SCRIPT] == ("eng", "fra", "deu", "spa")
    assert len(set(map(script_of, chosen))) == MOST_SCRIPTS


def test_where_few_are_installed_all_are_chosen_but_what_is_no_language() -> None:
    assert widespread(("chi_tra", "deu", "eng", "equ", "fra", "osd")) == ("eng", "fra", "deu", "chi_tra")
