"""The wheel alone, outside the checkout: programs, settings and sample images are in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT, Services


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the project's wheel, and nothing else, is installed in."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        timeout=110,
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True, timeout=110
    )
    return folder / "site"


def run(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder, with what is installed before anything of the checkout."""
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("module", ["client", "websocket_server", "ocr_server"])
def test_each_program_is_the_wheels_own_and_tells_its_exit_codes(module: str, installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, sys.executable, "-c", f"import {module}; print({module}.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(installed)
    for flag, word in (("--version", "0.1.0"), ("--help", "exit codes:")):
        ran = run(installed, tmp_path, sys.executable, "-m", module, flag)
        assert (ran.returncode, word in ran.stdout) == (0, True), ran.stderr


@pytest.mark.parametrize("script", ["online-ocr-client", "online-ocr-gateway", "online-ocr-server"])
def test_each_console_script_runs(script: str, installed: Path, tmp_path: Path) -> None:
    ran = run(installed, tmp_path, sys.executable, str(installed / "bin" / script), "--version")
    assert (ran.returncode, script in ran.stdout) == (0, True), ran.stderr


@pytest.mark.usefixtures("tesseract")
def test_the_client_reads_the_samples_that_the_wheel_carries(
    installed: Path, tmp_path: Path, services: Services
) -> None:
    gateway = services.gateway()
    services.ocr_server()
    ran = run(installed, tmp_path, sys.executable, "-m", "client", "--set", f"WebSocket.port={gateway.port}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{installed / 'settings' / 'client_settings.ini'}" in ran.stdout
    assert f"{installed / 'client' / 'samples'}" in ran.stdout
    assert "result: word-hello.png" in ran.stdout
