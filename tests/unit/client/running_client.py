"""The simulator in this process, at a fake gateway."""

from typing import Protocol

import pytest

v1_only = pytest.mark.parametrize("gateway", ["v1"], indirect=True)
v2_only = pytest.mark.parametrize("gateway", ["v2"], indirect=True)


class Run(Protocol):
    """Runs it with these arguments; gives the exit code and the lines on standard output."""

    def __call__(self, *arguments: object) -> tuple[int, list[str]]: ...


def lines_with(lines: list[str], words: str) -> list[str]:
    return [line for line in lines if words in line]
