"""Resume keys: whose they are, and where their secret comes from."""

from pathlib import Path

import pytest

from settings.loader import SettingsError
from settings.schema import Auth, RabbitMQ
from websocket_server.resume_key import ResumeKeys, secret_from

UUID = "2026-01-31-10-51-30-5b1c7a52-37d5-4f0c-8d0f-6a4f3a1f9a10"
KEYS = ResumeKeys(b"0123456789abcdef")


def test_a_key_fits_its_client_only() -> None:
    key = KEYS.key(UUID)
    assert len(key) == 64
    assert KEYS.fits(UUID, key)
    assert not KEYS.fits(UUID + "0", key)
    assert not KEYS.fits(UUID, KEYS.key("another"))


def test_a_key_fits_its_token_only() -> None:
    key = KEYS.key(UUID, "scanner")
    assert KEYS.fits(UUID, key, "scanner")
    assert not KEYS.fits(UUID, key)
    assert not KEYS.fits(UUID, key, "archive")
    assert not KEYS.fits(UUID, KEYS.key(UUID), "scanner")


def test_gateways_with_one_secret_make_the_same_keys_and_with_another_different_ones() -> None:
    assert ResumeKeys(b"0123456789abcdef").key(UUID) == KEYS.key(UUID)
    assert ResumeKeys(b"0123456789abcdeg").key(UUID) != KEYS.key(UUID)


@pytest.mark.parametrize(
    "key", ["", "é", "\ud800", "\0", "x" * 10_000, KEYS.key(UUID)[:-1], KEYS.key(UUID).upper() + "é"]
)
def test_whatever_is_sent_as_a_key_is_wrong_and_nothing_worse(key: str) -> None:
    assert not KEYS.fits(UUID, key)
    assert not KEYS.fits(key, key)


def test_the_secret_of_a_file_needs_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"  0123456789abcdef\r\n")
    assert secret_from(Auth(secret_file=str(path)), RabbitMQ()) == (b"0123456789abcdef", "")


def test_a_short_secret_or_none_is_refused_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hunter2", "utf-8")
    with pytest.raises(SettingsError, match="holds 7 bytes, fewer than 16") as raised:
        secret_from(Auth(secret_file=str(path)), RabbitMQ())
    assert "hunter2" not in str(raised.value)
    with pytest.raises(SettingsError, match=r"secret_file = .*gone cannot be read: No such file"):
        secret_from(Auth(secret_file=str(tmp_path / "gone")), RabbitMQ())


def test_without_a_file_the_password_decides_wherever_the_gateway_is() -> None:
    here, warning = secret_from(Auth(), RabbitMQ(password="word"))
    there, _ = secret_from(Auth(), RabbitMQ(password="word", host="there", account="other", result_queue="second"))
    other, _ = secret_from(Auth(), RabbitMQ(password="another"))
    assert here == there != other
    assert len(here) >= 16
    assert "secret_file" in warning
    assert "word " not in warning.replace("password ", "")


def test_the_default_password_gets_a_plainer_warning() -> None:
    assert "whoever learns a ClientUUID" in secret_from(Auth(), RabbitMQ())[1]
