"""What was read of a class by both, and what that comes to. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add

from .classes import UPRIGHT, Class
from .placement import Offset
from .reading import Read
from .scoring import Tally, tally
from .verdict import misses


@dataclasses.dataclass(frozen=True)
class Placed:
    """Words whose true places are known, and how far from there ours puts those that it has read right.

    known: how many there are. in_pdf: each as far as it is off in the searchable PDF; in_boxes: in the JSON of words.
    """

    known: int = 0
    in_pdf: Sequence[Offset] = ()
    in_boxes: Sequence[Offset] = ()

    def __add__(self, other: "Placed") -> "Placed":
        """Both together."""
        in_pdf, in_boxes = [*self.in_pdf, *other.in_pdf], [*self.in_boxes, *other.in_boxes]
        return Placed(self.known + other.known, in_pdf, in_boxes)


def within(offsets: Iterable[Offset]) -> int:
    """How many words are where they should be."""
    return sum(offset.is_within for offset in offsets)


@dataclasses.dataclass(frozen=True)
class File:
    """One file, as both have read it. is_same: False where the text came out another one through the whole stack."""

    name: str
    true: str
    plain: Read
    ours: Read
    placed: Placed = Placed()
    is_same: bool = True


@dataclasses.dataclass(frozen=True)
class Result:
    """A class and its files."""

    name: str
    files: Sequence[File]

    @property
    def plain(self) -> Tally:
        """The program's errors."""
        return reduce(add, (tally(file.true, file.plain.text) for file in self.files), Tally())

    @property
    def ours(self) -> Tally:
        """Ours."""
        return reduce(add, (tally(file.true, file.ours.text) for file in self.files), Tally())

    @property
    def placed(self) -> Placed:
        """The places of all words."""
        return reduce(add, (file.placed for file in self.files), Placed())


def missed(results: Sequence[Result], classes: Mapping[str, Class]) -> dict[str, list[str]]:
    """What each class does not reach; a turned one is held against the upright one if that was read as well."""
    upright = next((result.ours for result in results if result.name == UPRIGHT), None)
    return {
        result.name: list(
            misses(
                result.plain,
                result.ours,
                every_word=classes[result.name].every_word,
                upright=upright if classes[result.name].is_turned else None,
                misplaced=len(result.placed.in_pdf) - within(result.placed.in_pdf),
            )
        )
        for result in results
    }
