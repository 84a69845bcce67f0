"""The tokens file: what it may hold, what is said when it is wrong, and that a change of it counts."""

import hashlib
import os
from pathlib import Path

import pytest

from settings.loader import SettingsError
from websocket_server.tokens import Grant, TokensFile, bearer, load, new_token


def _hash(token: str) -> str:
    return "sha256:" + hashlib.sha256(token.encode("utf-8")).hexdigest()


def _file(folder: Path, text: str) -> Path:
    path = folder / "tokens"
    path.write_text(text, "utf-8")
    return path


def _replace(path: Path, text: str) -> None:
    """As editors do: a new file in the old one's place. Its time differs also where clocks are coarse."""
    new = path.with_name("new")
    new.write_text(text, "utf-8")
    later = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(new, ns=(later, later))
    new.replace(path)


def test_a_token_is_found_with_its_name_and_limits(tmp_path: Path) -> None:
    tokens = load(
        _file(
            tmp_path,
            "# who may use the gateway\n\n"
            f"scanner {_hash('one')} max_in_flight=8 images_per_minute=60 max_connections=2 # the one in the hall\n"
            f"  archive\t{_hash('two').upper().replace('SHA256', 'sha256')}\n",
        )
    )
    assert tokens.find("one") == Grant("scanner", 8, 60, 2)
    assert tokens.find("two") == Grant("archive")
    assert len(tokens) == 2


@pytest.mark.parametrize("token", ["", "three", "ONE", "one ", "scanner", _hash("one"), "\ud800", "x" * 100_000])
def test_what_is_no_token_is_not_found(tmp_path: Path, token: str) -> None:
    assert load(_file(tmp_path, f"scanner {_hash('one')}\n")).find(token) is None


def test_a_file_without_tokens_lets_nobody_in(tmp_path: Path) -> None:
    tokens = load(_file(tmp_path, "# nobody\n"))
    assert len(tokens) == 0
    assert tokens.find("") is None


def test_one_name_may_have_two_tokens_while_one_replaces_the_other(tmp_path: Path) -> None:
    tokens = load(_file(tmp_path, f"scanner {_hash('old')}\nscanner {_hash('new')}\n"))
    assert tokens.find("old") == tokens.find("new") == Grant("scanner")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (_hash("secret"), "first word"),
        ("scanner", "64 hexadecimal digits"),
        ("scanner secret-token-in-clear", "64 hexadecimal digits"),
        ("secret-token-in-clear scanner", "64 hexadecimal digits"),
        (f"scanner {_hash('secret')[:-1]}", "64 hexadecimal digits"),
        (f"scanner {_hash('secret').replace('sha256', 'md5')}", "64 hexadecimal digits"),
        (f"sc@nner {_hash('secret')}", "A-Z a-z 0-9"),
        (f"scanner {_hash('secret')} max_in_flight=0", "word 3"),
        (f"scanner {_hash('secret')} max_in_flight=2 max_in_flight=3", "word 4"),
        (f"scanner {_hash('secret')} colour=3", "max_connections=N"),
        (f"scanner {_hash('secret')} max_in_flight=many", "whole number"),
        (f"scanner {_hash('secret')} secret-token-in-clear", "word 3"),
        (f"other {_hash('one')}", "same token"),
        (f"scanner {_hash('secret')} max_in_flight=2", "other limits"),
    ],
)
def test_a_wrong_line_is_named_by_file_and_number_and_nothing_of_it_is_repeated(
    tmp_path: Path, line: str, said: str
) -> None:
    path = _file(tmp_path, f"# comment\nscanner {_hash('one')}\n{line}\n")
    with pytest.raises(SettingsError) as raised:
        load(path)
    message = str(raised.value)
    assert f"tokens_file = {path}, line 3: " in message
    assert said in message
    assert "clear" not in message
    for token in ("one", "secret"):
        assert _hash(token)[7:-1] not in message


def test_a_file_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"tokens_file = .*gone cannot be read: No such file"):
        load(tmp_path / "gone")
    path = tmp_path / "binary"
    path.write_bytes(b"scanner \xff")
    with pytest.raises(SettingsError, match="not UTF-8"):
        TokensFile(path)


def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    path = _file(tmp_path, f"scanner {_hash('one')}\n")
    tokens = TokensFile(path)
    assert tokens.find("one") == Grant("scanner")
    _replace(path, f"archive {_hash('two')} max_connections=1\n")
    assert tokens.find("one") is None
    assert tokens.find("two") == Grant("archive", max_connections=1)


def test_a_file_that_became_wrong_or_is_gone_changes_nothing_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(tmp_path, f"scanner {_hash('one')}\n")
    tokens = TokensFile(path)
    _replace(path, "scanner one\n")
    assert tokens.find("one") == tokens.find("one") == Grant("scanner")
    path.unlink()
    assert tokens.find("one") == tokens.find("one") == Grant("scanner")
    errors = [record.getMessage() for record in caplog.records]
    assert len(errors) == 2
    assert "line 1" in errors[0]
    assert "cannot be read" in errors[1]
    path.write_text(f"archive {_hash('two')}\n", "utf-8")
    assert tokens.find("one") is None
    assert tokens.find("two") == Grant("archive")


def test_a_new_token_is_found_by_its_line_which_does_not_hold_it(tmp_path: Path) -> None:
    token, line = new_token("scanner-1")
    assert load(_file(tmp_path, f"{line}\n")).find(token) == Grant("scanner-1")
    assert token not in line
    assert len(token) > 40
    assert new_token("scanner-1")[0] != token


@pytest.mark.parametrize("name", ["", "a b", "a#b", "é", "x" * 65, "a\nb"])
def test_a_token_is_not_made_for_a_name_that_the_file_could_not_hold(name: str) -> None:
    with pytest.raises(SettingsError, match="A token's name"):
        new_token(name)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, ""),
        ("", ""),
        ("Bearer", ""),
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", ""),
        ("Bearerabc", ""),
        ("abc", ""),
    ],
)
def test_the_token_of_an_authorization_header(header: str | None, token: str) -> None:
    assert bearer(header) == token
