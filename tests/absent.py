"""What a test needs and this machine lacks: skipped here, and said so; failed where a run must not check nothing."""

import os
from typing import NoReturn

import pytest

ABSENT = pytest.StashKey[set[str]]()


def skip_loudly(what: str, config: pytest.Config) -> NoReturn:
    """Skip this test, and have the last lines of the run say what was not tested."""
    config.stash[ABSENT].add(what)
    pytest.skip(f"{what} is not here")


def fail_or_skip(what: str, config: pytest.Config) -> NoReturn:
    """As `skip_loudly`, but with CI=true it fails: a run that checked nothing must not look like one that passed."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not here, and CI=true: the tests that need it would check nothing")
    skip_loudly(what, config)
