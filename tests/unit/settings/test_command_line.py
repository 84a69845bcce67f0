"""Which ini file is read, and what the flags do."""

from pathlib import Path

import pytest

from settings.command_line import load_settings, parser
from settings.loader import SettingsError
from settings.schema import ClientSettings

NAME = "client_settings.ini"


def _port(*flags: str) -> tuple[int, Path]:
    settings, source = load_settings(ClientSettings, NAME, parser("program", "", "").parse_args(flags))
    return settings.websocket.port, source


def _ini(folder: Path, port: int) -> Path:
    folder.mkdir(parents=True)
    path = folder / NAME
    path.write_text(f"[WebSocket]\nport = {port}\n", "utf-8")
    return path


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OCR_WEBSOCKET_PORT", raising=False)


def test_without_any_file_the_packages_own_is_read() -> None:
    port, source = _port()
    assert port == 8765
    assert source.parent.name == "settings"
    assert source.is_absolute()


def test_the_file_in_the_current_folder_comes_before_the_packages(tmp_path: Path) -> None:
    _ini(tmp_path / "settings", 1001)
    assert _port()[0] == 1001


def test_a_file_that_is_named_comes_before_both(tmp_path: Path) -> None:
    _ini(tmp_path / "settings", 1001)
    assert _port("--settings", str(_ini(tmp_path / "elsewhere", 1002)))[0] == 1002


def test_later_sources_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _ini(tmp_path / "settings", 1001)
    monkeypatch.setenv("OCR_WEBSOCKET_PORT", "1003")
    assert _port()[0] == 1003
    assert _port("--set", "WebSocket.port=1004", "--set", "WebSocket.port=1005")[0] == 1005


def test_a_named_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.ini"):
        _port("--settings", "nowhere.ini")
