"""How an image is read: what a client asked for, over the settings. Pure.

What the server does not know, or cannot do, is refused with BAD_OPTION: never dropped in silence.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from protocol.errors import ErrorCode, Refusal
from settings.schema import Ocr

from .scripts import AUTO, sets_of, widespread

OUTPUTS: Final = ("words", "tsv", "hocr", "alto", "pdf")
"""What there can be beside the text (outputs/)."""

LAST_PAGE_SEG_MODE: Final = 13
PREPROCESS: Final = ("auto", "none")

_MAX_SHOWN: Final = 80  # characters of a value in a sentence
_LANGUAGE_NAME: Final = re.compile(r"[A-Za-z]{1,12}(_[A-Za-z]{1,12}){0,2}")


@dataclasses.dataclass(frozen=True)
class Options:
    """How an image is read. page_seg_mode: Tesseract's, 0 to 13. preprocess: "auto" or "none".

    languages: to read with, in order. or_languages: sets to try where these are unsure. is_auto: the server chooses.
    """

    languages: tuple[str, ...]
    page_seg_mode: int
    preprocess: str
    outputs: tuple[str, ...] = ()
    or_languages: tuple[tuple[str, ...], ...] = ()
    is_auto: bool = False

    @property
    def all_languages(self) -> tuple[str, ...]:
        """Those that the page may be in, each once."""
        sets = (self.languages, *self.or_languages)
        return tuple(dict.fromkeys(language for languages in sets for language in languages))


def options_of(asked: Mapping[str, Any], settings: Ocr, installed: Sequence[str]) -> Options:
    """The options that a client asked for, the settings' where it asked for none.

    installed: the languages that there are. Raises Refusal BAD_OPTION, which names the option, its value and what is
    allowed.
    """
    found: dict[str, Any] = {
        "languages": settings.languages,
        "page_seg_mode": settings.page_seg_mode,
        "preprocess": settings.preprocess,
    }
    for name, value in asked.items():
        match name:
            case "Languages":
                found["languages"] = _languages(value, installed)
            case "PageSegMode":
                found["page_seg_mode"] = _page_seg_mode(value)
            case "Outputs":
                found["outputs"] = _outputs(value)
            case "Preprocess":
                if value not in PREPROCESS:
                    raise _bad(name, value, f"allowed are {' and '.join(PREPROCESS)}")
                found["preprocess"] = value
            case _:
                allowed = "Languages, PageSegMode, Outputs and Preprocess"
                raise _bad(name, value, f"there is no such option; allowed are {allowed}")
    if found["languages"] == (AUTO,):
        first, *others = sets_of(among(settings.languages, installed))
        found |= {"languages": first, "or_languages": tuple(others), "is_auto": True}
    return Options(**found)


def among(configured: Sequence[str], installed: Sequence[str]) -> tuple[str, ...]:
    """The languages to choose among: those of the settings, or of all installed ones where these say auto too."""
    return widespread(installed) if tuple(configured) == (AUTO,) else tuple(configured)


def how_to_install(languages: Sequence[str]) -> str:
    """The commands that install the data of these languages; "" when none of them can be a language's name."""
    named = [name.replace("_", "-").lower() for name in languages if _LANGUAGE_NAME.fullmatch(name)]
    if not named:
        return ""
    packages = " ".join(f"tesseract-ocr-{name}" for name in named)
    return f"'apt install {packages}' on Debian and Ubuntu, 'brew install tesseract-lang' on macOS"


def _languages(value: Any, installed: Sequence[str]) -> tuple[str, ...]:
    there = f"installed are {', '.join(installed)}"
    languages = _words(value)
    if not languages:
        raise _bad("Languages", value, f"allowed is a list of one or more languages, or of {AUTO} alone; {there}")
    if languages == (AUTO,):
        return languages
    if AUTO in languages:
        raise _bad(
            "Languages", value, f"{AUTO} stands alone: either name the languages, or leave the choice to the server"
        )
    missing = [language for language in languages if language not in installed]
    if missing:
        command = how_to_install(missing[:3])
        install = f". The operator can install others ({command}) and start the OCR server anew" if command else ""
        raise _bad("Languages", missing[0], f"it is not installed; {there}{install}")
    return languages


def _outputs(value: Any) -> tuple[str, ...]:
    outputs = _words(value)
    if outputs is None or not set(outputs) <= set(OUTPUTS):
        raise _bad("Outputs", value, f"allowed is a list of {', '.join(OUTPUTS)}")
    return outputs


def _page_seg_mode(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_PAGE_SEG_MODE:
        return value
    raise _bad("PageSegMode", value, f"allowed is a whole number from 0 to {LAST_PAGE_SEG_MODE}")


def _words(value: Any) -> tuple[str, ...] | None:
    """The words of a list, each once; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        return None
    return tuple(dict.fromkeys(value))


def _bad(name: str, value: Any, allowed: str) -> Refusal:
    return Refusal(ErrorCode.BAD_OPTION, f"The option {_shown(name)} = {_shown(value)}: {allowed}.")


def _shown(value: Any, show: Callable[[Any], str] = repr) -> str:
    try:
        shown = value if isinstance(value, str) else show(value)
    except RecursionError:  # it is nested as deep as no option is
        return "(a nested value)"
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
