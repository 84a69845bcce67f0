"""The programs that read what we write: poppler's and qpdf."""

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ocr_server.outputs.projective import Box
from tests.absent import fail_or_skip


def run(config: pytest.Config, program: str, *arguments: str | Path) -> str:
    """What the program prints; a warning of it is a failure."""
    if shutil.which(program) is None:
        fail_or_skip(program, config)
    ended = subprocess.run([program, *arguments], capture_output=True, timeout=60)
    assert ended.returncode == 0
    assert ended.stderr == b""
    return ended.stdout.decode()


def words_of(config: pytest.Config, pdf: Path) -> list[tuple[str, Box]]:
    """The words that pdftotext finds, and their boxes in points, y downwards."""
    page = run(config, "pdftotext", "-bbox", pdf, "-")
    rows = re.findall(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>', page)
    return [(html.unescape(text), (float(a), float(b), float(c), float(d))) for a, b, c, d, text in rows]


def check(config: pytest.Config, pdf: Path) -> None:
    """Fails for what qpdf does not like."""
    assert "No syntax or stream encoding errors found" in run(config, "qpdf", "--check", pdf)
