"""Which languages are read together, and which instead, where `auto` is to choose among them. Pure.

Tesseract reads a line with each language of a set that it is given, and keeps the surest. That works among languages of
one script. Given Latin letters and Chinese characters at once, it reads the one as the other here and there, and takes
several times as long: so the sets are by script, and only a page of which the first is unsure is read with another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Languages = tuple[str, ...]

AUTO: Final = "auto"

NO_LANGUAGES: Final = frozenset({"osd", "equ"})
"""Data that Tesseract has beside languages: for a page's orientation, and for formulas."""

LATIN: Final = "Latin"
ENGLISH: Final = "eng"

_SCRIPTS: Final = {
    "Arabic": "ara fas kur_ara pus snd uig urd",
    "Armenian": "hye",
    "Bengali": "asm ben",
    "Canadian Aboriginal": "iku",
    "Cherokee": "chr",
    "Cyrillic": "aze_cyrl bel bul kaz kir mkd mon rus srp tat tgk ukr uzb_cyrl",
    "Devanagari": "hin mar nep san",
    "Ethiopic": "amh tir",
    "Fraktur": "dan_frak deu_frak deu_latf frk slk_frak",
    "Georgian": "kat kat_old",
    "Greek": "ell grc",
    "Gujarati": "guj",
    "Gurmukhi": "pan",
    "Han, simplified": "chi_sim chi_sim_vert",
    "Han, traditional": "chi_tra chi_tra_vert",
    "Hangul": "kor kor_vert",
    "Hebrew": "heb yid",
    "Japanese": "jpn jpn_vert",
    "Kannada": "kan",
    "Khmer": "khm",
    "Lao": "lao",
    "Malayalam": "mal",
    "Myanmar": "mya",
    "Oriya": "ori",
    "Sinhala": "sin",
    "Syriac": "syr",
    "Tamil": "tam",
    "Telugu": "tel",
    "Thaana": "div",
    "Thai": "tha",
    "Tibetan": "bod dzo",
}
_SIMPLIFIED: Final = "Han, simplified"
_TRADITIONAL: Final = "Han, traditional"
_WITH_LATIN_LETTERS: Final = (_SIMPLIFIED, _TRADITIONAL)
"""Scripts whose data reads Latin words as well. Together with a Latin language it reads pure Chinese worse."""

_ALIKE: Final = 6.0

_SCRIPT_OF: Final = {language: script for script, languages in _SCRIPTS.items() for language in languages.split()}

_WIDESPREAD: Final = (
    *("eng", "fra", "deu", "spa", "por", "ita", "nld", "pol"),
    *("chi_tra", "chi_sim", "rus", "ara", "hin", "jpn", "kor"),
)
MOST_OF_A_SCRIPT: Final = 4
MOST_SCRIPTS: Final = 4
"""Where nobody said among which languages to choose and all that are installed are meant, which may be a hundred."""


def script_of(language: str) -> str:
    """The script by Tesseract's name of a language; Latin for most, and for those that are not known."""
    return _SCRIPT_OF.get(language, LATIN)


def sets_of(languages: Sequence[str]) -> tuple[Languages, ...]:
    """The sets to read with: the languages of each script, as soon as one of them is named, and combinations.

    Among Latin letters English comes last: it is sure of words whose accents it does not know. Chinese is a set of its
    own, in which Latin words are read too, and another one with those languages, for pages with whole lines of them.
    All other scripts take them in at once: their data knows no Latin letters.
    """
    scripts: dict[str, list[str]] = {}
    for language in languages:
        scripts.setdefault(script_of(language), []).append(language)
    latin = sorted(scripts.get(LATIN, []), key=lambda language: language == ENGLISH)
    sets = list[Languages]()
    for script, own in scripts.items():
        if script == LATIN:
            sets.append(tuple(latin))
        elif script in _WITH_LATIN_LETTERS:
            sets += dict.fromkeys([tuple(own), (*latin, *own)])
        else:
            sets.append((*own, *latin))
    return tuple(sets)


def is_for_two_scripts(languages: Languages) -> bool:
    """True of a combination for pages that have whole lines in Latin letters among others."""
    return script_of(languages[0]) == LATIN != script_of(languages[-1])


def are_alike(one: Languages, other: Languages) -> bool:
    """True of simplified and traditional Chinese: either reads the other without doubting it much."""
    return {script_of(one[0]), script_of(other[0])} == {_SIMPLIFIED, _TRADITIONAL}


def surer_by(one: Languages, other: Languages) -> float:
    """By how much the confidence of one must be above that of the other, where these are alike; else 0.

    Of traditional texts simplified data is less sure by 13 to 17; of simplified ones neither is surer by more than 4.
    """
    if not are_alike(one, other):
        return 0.0
    return _ALIKE if script_of(one[0]) == _TRADITIONAL else -_ALIKE


def widespread(installed: Iterable[str]) -> Languages:
    """Those of the installed languages to choose among when nobody named any: of few scripts, and few of each."""
    counts = Counter[str]()

    def chosen() -> Iterator[str]:
        places = {language: place for place, language in enumerate(_WIDESPREAD)}
        there = [language for language in installed if language not in NO_LANGUAGES]
        for language in sorted(there, key=lambda one: (places.get(one, len(places)), one)):
            script = script_of(language)
            if counts[script] < MOST_OF_A_SCRIPT and (script in counts or len(counts) < MOST_SCRIPTS):
                counts[script] += 1
                yield language

    return tuple(chosen())
