"""How an image is to be read, as a caller says it and as the wire has it (Options in PROTOCOL.md). Pure.

Names are not checked here: which languages and outputs there are, the OCR server knows, and says so when it refuses.
The gateway's welcome tells what any of its OCR servers has, and nothing of one that has just started.
"""

import re
from collections.abc import Sequence
from typing import Any


def options_of(
    languages: Sequence[str] = (),
    page_seg_mode: int | None = None,
    preprocess: str | None = None,
    outputs: Sequence[str] = (),
) -> dict[str, Any]:
    """The Options of the wire: those that are given. Raises ValueError for a str in place of a list."""
    given = {
        "Languages": _list("languages", languages),
        "PageSegMode": page_seg_mode,
        "Preprocess": preprocess,
        "Outputs": _list("outputs", outputs),
    }
    return {name: value for name, value in given.items() if value is not None}


def _list(name: str, value: Sequence[str]) -> list[str] | None:
    if isinstance(value, str):
        listed = [one.strip() for one in re.split("[+,]", value)]  # as on the command line
        raise ValueError(f"{name} is {value!r}; it must be a list, as in {name}={listed}.")  # noqa: TRY004
    return list(value) or None
