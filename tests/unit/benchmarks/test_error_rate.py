"""Characters that are read wrong, over all texts together."""

from benchmarks.error_rate import character_errors
from benchmarks.images import Sample

SHORT = Sample("short.png", b"", "Hello\n")
LONG = Sample("long.png", b"", "x" * 95)


def test_errors_are_counted_over_all_texts_together() -> None:
    assert character_errors([(SHORT, "Hello"), (LONG, "x" * 95)]) == 0
    assert character_errors([(SHORT, "Hallo"), (LONG, "x" * 95)]) == 1
    assert character_errors([(SHORT, ""), (LONG, "x" * 95)]) == 5
