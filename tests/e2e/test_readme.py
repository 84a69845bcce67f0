"""What the README shows works as it stands there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.absent import skip_loudly
from tests.running import ROOT, Services
from tests.unit.ocr_server.outputs import readers

pytestmark = pytest.mark.usefixtures("tesseract")
README = (ROOT / "README.md").read_text("utf-8")
WORDS = ["images/word-hello.png", "images/word-is.png"]


SUFFIXES = ("txt", "pdf", "json")


def code(language: str, containing: str) -> str:
    """The README's one block of code in `language` that contains these words."""
    (block,) = (one for one in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in one)
    return str(block)


@pytest.fixture(scope="module")
def port(module_services: Services) -> int:
    gateway = module_services.gateway()
    module_services.ocr_server()
    return gateway.port


def run(port: int, program: Path, source: str, *command: str) -> str:
    """What the source prints, run in this folder against the gateway on `port`."""
    program.write_text(source.replace("127.0.0.1:8765", f"127.0.0.1:{port}"), "utf-8")
    ran = subprocess.run(
        [*command, str(program), *WORDS],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_library_in_two_lines(port: int, tmp_path: Path) -> None:
    printed = run(port, tmp_path / "library.py", code("python", "word-hello.png"), sys.executable)
    assert printed.strip() == "Hello"


def test_the_library_gives_a_pdf_and_words(port: int, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    pdf = tmp_path / "receipt.pdf"
    source = code("python", "receipt.pdf").replace('"receipt.pdf"', repr(str(pdf)))
    assert run(port, tmp_path / "library.py", source, sys.executable).startswith("[")
    readers.check(pytestconfig, pdf)


def test_the_client_saves_formats_side_by_side_and_the_pdf_can_be_searched(
    port: int, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    (line,) = re.findall(r"^\$ \.venv/bin/python (-m client .* --formats .*)$", README, re.MULTILINE)
    arguments = line.replace("--output results", f"--output {tmp_path}").split()
    command = [sys.executable, *arguments, "--json", "--set", f"WebSocket.port={port}"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    text, pdf, words = (tmp_path / f"page-receipt.png.{suffix}" for suffix in SUFFIXES)
    assert json.loads(ran.stdout)["files"] == [str(text), str(pdf), str(words)]
    assert sorted(tmp_path.iterdir()) == sorted([text, pdf, words])
    expected = (ROOT / "images" / "page-receipt.txt").read_text("utf-8").split()
    readers.check(pytestconfig, pdf)
    for found in (
        text.read_text("utf-8").split(),
        [one["Text"] for one in json.loads(words.read_text("utf-8"))],
        [word for word, _ in readers.words_of(pytestconfig, pdf)],
    ):
        assert found == expected


def test_the_python_client(port: int, tmp_path: Path) -> None:
    printed = run(port, tmp_path / "client.py", code("python", "websockets.sync"), sys.executable)
    assert printed.split() == [WORDS[0], "SUCCESS", "Hello", WORDS[1], "SUCCESS", "is"]


def test_the_javascript_client(port: int, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    node = shutil.which("node")
    if node is None:
        skip_loudly("Node.js (node)", pytestconfig)
    version = subprocess.run([node, "--version"], capture_output=True, encoding="utf-8", timeout=30, check=True).stdout
    major = int(version.removeprefix("v").split(".")[0])
    if major < 20:
        skip_loudly("Node.js 20 or later", pytestconfig)
    flags = ["--experimental-websocket"] if major < 22 else []
    printed = run(port, tmp_path / "client.cjs", code("javascript", "WebSocket"), node, *flags)
    assert sorted(printed.split()) == sorted([WORDS[0], "SUCCESS", "Hello", WORDS[1], "SUCCESS", "is"])


def test_every_setting_is_in_the_tables() -> None:
    named = set(re.findall(r"[a-z_]+", README))
    for ini in (ROOT / "settings").glob("*.ini"):
        keys = set(re.findall(r"^(\w+) =", ini.read_text("utf-8"), re.MULTILINE))
        assert keys - named == set()


def test_every_page_that_is_linked_to_is_there() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
