"""The three real programs over images/ and over real scans: the texts that are expected, from both engines."""

import difflib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.absent import skip_loudly
from tests.running import ROOT, Gateway, Services

pytestmark = pytest.mark.usefixtures("tesseract")
IMAGES = ROOT / "images"
SCANS = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module", params=["tesserocr", "pytesseract"])
def gateway(request: pytest.FixtureRequest, module_services: Services) -> Gateway:
    """A gateway whose images are read by the engine that is the parameter, and by no other."""
    module_services.close()
    gateway = module_services.gateway()
    server = module_services.ocr_server(f"tesseract_location.engine={request.param}", processes=2)
    assert f"engine {request.param}" in server.output()
    return gateway


def read(gateway: Gateway, folder: Path, output: Path) -> dict[str, str]:
    """The texts that the client program writes, by the image's name."""
    command = [sys.executable, "-m", "client", str(folder), "--json", "--output", str(output)]
    ran = subprocess.run(
        [*command, "--set", f"WebSocket.port={gateway.port}"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {one["status"] for one in told} == {"SUCCESS"}
    return {one["file"]: one["text"] for one in told}


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_sample_image_is_read_as_expected(gateway: Gateway, tmp_path: Path) -> None:
    texts = read(gateway, IMAGES, tmp_path)
    images = {path.name: path for path in IMAGES.iterdir() if path.suffix != ".txt"}
    assert texts.keys() == images.keys()
    assert len(images) >= 18
    wrong = {
        name: (words(texts[name]), words(path.with_suffix(".txt").read_text("utf-8")))
        for name, path in images.items()
        if words(texts[name]) != words(path.with_suffix(".txt").read_text("utf-8"))
    }
    assert wrong == {}
    assert len(list(tmp_path.iterdir())) == len(images)


def test_real_scans_are_read(gateway: Gateway, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if not SCANS.is_dir():
        skip_loudly("the folder of real scans beside this checkout", pytestconfig)
    texts = read(gateway, SCANS, tmp_path)
    assert words(texts["phototest.tif"]) == words((SCANS / "phototest.txt").read_text("utf-8"))
    # Six languages, of which the server reads one: the accents of the others are lost.
    expected = words((SCANS / "eurotext.txt").read_text("utf-8"))
    alike = difflib.SequenceMatcher(None, words(texts["eurotext.tif"]), expected, autojunk=False).ratio()
    assert alike > 0.95
