"""A fake gateway, a folder of images, and the log as it was before."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.__main__ import main
from tests.running import free_port
from tests.unit.client.fake_gateway import FakeGateway, running
from tests.unit.client.image_heads import PNG
from tests.unit.client.running_client import Run


@pytest.fixture(params=["v1", "v2"])
def gateway(request: pytest.FixtureRequest) -> Iterator[FakeGateway]:
    """Of either version: what a client's user sees is mostly the same."""
    made = FakeGateway(*(() if request.param == "v1" else ("ocr.v2.msgpack", "ocr.v2")))
    with running(made):
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images: a.png, b.png, c.png."""
    made = tmp_path / "scans"
    made.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (made / name).write_bytes(PNG)
    return made


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    return free_port()


@pytest.fixture
def run(gateway: FakeGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the simulator at the fake gateway; gives the exit code and the printed lines."""
    for name in [name for name in os.environ if name.startswith("OCR_")]:
        monkeypatch.delenv(name)

    def at_the_gateway(*arguments: object) -> tuple[int, list[str]]:
        code = main(["--set", f"WebSocket.url={gateway.url}", *map(str, arguments)])
        return code, capsys.readouterr().out.splitlines()

    return at_the_gateway
