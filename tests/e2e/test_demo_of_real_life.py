"""`script/demo` on what people really have: a photo on its side, a dark screenshot, a Chinese page, a dim receipt."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.accuracy.cases import Case
from benchmarks.accuracy.classes import CLASSES
from benchmarks.accuracy.scoring import tally
from script.sample_images.drawing import MissingFont
from tests.absent import fail_or_skip, skip_loudly
from tests.running import ROOT
from tests.unit.ocr_server.outputs import readers

SECONDS = 300
pytestmark = [pytest.mark.usefixtures("tesseract", "broker_image"), pytest.mark.timeout(SECONDS + 60)]

MOST_ERRORS = 1.0
"""Points of a hundred characters; docs/accuracy.md has them by class."""

CHOSEN = {
    "photo on its side": ("photo-sideways", "2-unsaid.jpg"),
    "dark screenshot": ("dark-screenshot", "1.png"),
    "Chinese page": ("chinese", "1.png"),
    "receipt in low light": ("receipts-dim", "1.png"),
}


@pytest.fixture
def real_life(pytestconfig: pytest.Config) -> dict[str, Case]:
    """The images by the names of their files, which no other run has."""
    languages = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=False).stdout
    if "chi_tra" not in languages.split():
        fail_or_skip("Tesseract's data chi_tra", pytestconfig)
    if Path(sys.prefix) != ROOT / ".venv":
        skip_loudly("a .venv of script/bootstrap that the tests run in", pytestconfig)
    run, found = uuid.uuid4().hex[:8], dict[str, Case]()
    try:
        for what, (name, file_name) in CHOSEN.items():
            (case,) = (one for one in CLASSES[name].build() if one.file_name == file_name)
            found[f"{run} {what}{Path(file_name).suffix}"] = case
    except MissingFont as error:
        fail_or_skip(str(error), pytestconfig)
    return found


@pytest.fixture
def demo(real_life: dict[str, Case], tmp_path: Path) -> Iterator[str]:
    """What script/demo prints for a folder with them. Its results are taken away again."""
    folder, results = tmp_path / "what people have", ROOT / "results"
    had_results = results.exists()
    folder.mkdir()
    for name, case in real_life.items():
        (folder / name).write_bytes(case.content)
    running = subprocess.Popen(
        [ROOT / "script" / "demo", "--formats", "txt,pdf", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        printed, _ = running.communicate(timeout=SECONDS)
        assert running.returncode == 0, printed
        yield printed
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        for file in results.glob(f"{next(iter(real_life)).partition(' ')[0]} *"):
            file.unlink()
        if not had_results:
            shutil.rmtree(results, ignore_errors=True)


def test_the_demo_reads_real_life(demo: str, real_life: dict[str, Case], pytestconfig: pytest.Config) -> None:
    for name, case in real_life.items():
        text = (ROOT / "results" / f"{name}.txt").read_text("utf-8")
        assert tally(case.text, text).character_error <= MOST_ERRORS, f"{name}: {text}"
        first = next(line for line in text.splitlines() if line.strip())
        assert f"result: {name}" in demo
        assert first in demo
        pdf = ROOT / "results" / f"{name}.pdf"
        readers.check(pytestconfig, pdf)
        selected = readers.run(pytestconfig, "pdftotext", "-raw", pdf, "-")
        assert tally(text, selected).word_error <= MOST_ERRORS, f"{name}: {selected}"
