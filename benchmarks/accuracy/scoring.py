"""How much of a text was read wrong, and whether a class of images is read well enough. Pure but for RapidFuzz.

What is alike before it is compared, and why: the Unicode form (NFC); ligatures, which are the same letters; a typed
quotation mark or apostrophe and the same one as typographers shape it, since models are trained on both for one print;
all white space, since where a line ends is layout; a line's end between two Chinese characters and nothing at all,
since Chinese has no spaces. A space between two Chinese characters on one line is an error, as are low and angled
quotation marks that are read as others, dashes of another length, and full-width punctuation read as half-width.
"""

import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from rapidfuzz.distance import Levenshtein

_CHINESE: Final = "\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"  # punctuation too
_LINE_END: Final = re.compile(rf"(?<=[{_CHINESE}])[^\S\n]*\n\s*(?=[{_CHINESE}])")
_WORD: Final = re.compile(rf"[{_CHINESE}]|[^\s{_CHINESE}]+")  # each Chinese character counts as a word
_PART: Final = re.compile(rf"{_WORD.pattern}|\s")
_ALIKE: Final = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff"})


@dataclasses.dataclass(frozen=True)
class Tally:
    """Errors in a number of texts, and what they are of. exact: texts without one."""

    wrong_characters: int = 0
    characters: int = 0
    wrong_words: int = 0
    words: int = 0
    exact: int = 0
    texts: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Tally(*(one + its for one, its in pairs))

    @property
    def character_error(self) -> float:
        """In points: characters to change, add or take away, of a hundred. Over 100 when much is there that is not."""
        return 100 * self.wrong_characters / max(1, self.characters)

    @property
    def word_error(self) -> float:
        """As `character_error`, of words."""
        return 100 * self.wrong_words / max(1, self.words)


def normalised(text: str) -> str:
    """A text without the differences that do not count."""
    text = unicodedata.normalize("NFC", text).translate(_ALIKE)
    return " ".join(_LINE_END.sub("", text).split())


def tally(true: str, read: str) -> Tally:
    """The errors of one text."""
    mine, its = normalised(true), normalised(read)
    my_words, its_words = _WORD.findall(mine), _WORD.findall(its)
    return Tally(
        Levenshtein.distance(mine, its),
        len(mine),
        Levenshtein.distance(my_words, its_words),
        len(my_words),
        int(mine == its),
        1,
    )


def differences(true: str, read: str) -> Iterator[tuple[str, str]]:
    """What stands there and what was read in its place, in whole words; one of the two may be empty. ␣: a space."""
    mine, its = (_PART.findall(normalised(text)) for text in (true, read))
    changes = Levenshtein.opcodes(mine, its)
    for is_equal, together in itertools.groupby(changes, key=lambda change: change.tag == "equal"):
        if not is_equal:
            run = list(together)
            first, last = run[0], run[-1]
            there = "".join(mine[first.src_start : last.src_end]), "".join(its[first.dest_start : last.dest_end])
            yield (there[0].strip(), there[1].strip()) if "".join(there).strip() else _shown(*there)


def _shown(there: str, read: str) -> tuple[str, str]:
    return there.replace(" ", "␣"), read.replace(" ", "␣")
