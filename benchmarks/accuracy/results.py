"""What was read of a class by both, and what that comes to. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

from .classes import UPRIGHT, Class
from .reading import Read
from .scoring import Tally, tally
from .verdict import misses


@dataclasses.dataclass(frozen=True)
class File:
    """One file, as both have read it."""

    name: str
    true: str
    plain: Read
    ours: Read


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
            )
        )
        for result in results
    }
