"""Characters that are read wrong: what speed must not cost. Texts are compared as `accuracy.scoring` does."""

from collections.abc import Iterable

from .accuracy.scoring import Tally, tally
from .images import Sample


def character_errors(read: Iterable[tuple[Sample, str]]) -> float:
    """Of a hundred characters, how many are to be changed, added or taken away."""
    return sum((tally(sample.text, text) for sample, text in read), Tally()).character_error
