"""What the broker of docker-compose.yml starts with: secrets that last, and definitions without them."""

import base64
import json
import re
import stat
from pathlib import Path

import pytest
from broker_definitions import PERMISSIONS, main, password_hash

from protocol.topology import DEAD_LETTER_QUEUE, PENDING_QUEUE, held_queue

SECRETS = ("gateway/password", "gateway/resume_secret", "ocr_server/password")


def _definitions(folder: Path) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads((folder / "broker/definitions.json").read_text("utf-8"))
    return found


def test_a_password_is_hashed_as_rabbitmq_documents_it() -> None:
    # The example of RabbitMQ's page "Credentials and Passwords".
    assert password_hash("test12", bytes.fromhex("908DC60A")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


def test_each_secret_is_made_once_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    made = {name: (tmp_path / name).read_text("utf-8") for name in SECRETS}
    assert len(set(made.values())) == 3
    assert all(len(secret) >= 40 for secret in made.values())
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o400 for name in SECRETS)
    assert main([str(tmp_path)]) == 0
    assert {name: (tmp_path / name).read_text("utf-8") for name in SECRETS} == made
    assert sorted(path.name for path in tmp_path.rglob("*.new")) == []


def test_a_password_that_is_there_already_is_the_one_of_the_account(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway/password").write_text("chosen by the operator\n", "utf-8")
    main([str(tmp_path)])
    users = {str(one["name"]): str(one["password_hash"]) for one in _definitions(tmp_path)["users"]}
    salt = base64.b64decode(users["gateway"])[:4]
    assert users["gateway"] == password_hash("chosen by the operator", salt)


def test_the_definitions_hold_no_password_and_no_administrator(tmp_path: Path) -> None:
    main([str(tmp_path)])
    text = (tmp_path / "broker/definitions.json").read_text("utf-8")
    assert not [name for name in SECRETS if (tmp_path / name).read_text("utf-8") in text]
    assert {str(one["name"]): one["tags"] for one in _definitions(tmp_path)["users"]} == {
        "gateway": [],
        "ocr_server": [],
    }


def test_the_queues_are_those_that_the_servers_declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_RABBITMQ_MAX_PENDING", "7")
    monkeypatch.setenv("OCR_RABBITMQ_QUEUE_TYPE", "classic")
    main([str(tmp_path)])
    by_name = {one["name"]: one["arguments"] for one in _definitions(tmp_path)["queues"]}
    assert set(by_name) == {"pending_queue", "result_queue", "dead_letter_queue"}
    assert isinstance(by_name["pending_queue"], dict)
    assert by_name["pending_queue"]["x-max-length"] == 7
    assert by_name["pending_queue"]["x-queue-type"] == "classic"


def test_a_wrong_setting_is_said_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCR_RABBITMQ_MAX_PENDING", "none")
    assert main([str(tmp_path)]) == 1
    assert "max_pending" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_patterns_cover_our_names_and_keep_apart_what_only_one_server_takes() -> None:
    held = held_queue("2026-01-31-10-51-30-5b1c7a52", 600).name
    may_read = {account: re.compile(granted.read) for account, granted in PERMISSIONS.items()}
    assert may_read["gateway"].search(held)
    assert may_read["gateway"].search("result_queue.second")
    assert not may_read["gateway"].search(PENDING_QUEUE)
    assert may_read["ocr_server"].search(PENDING_QUEUE)
    for name in (held, "result_queue", "result_queue.second"):
        assert not may_read["ocr_server"].search(name)
    for pattern in may_read.values():
        assert not pattern.search(DEAD_LETTER_QUEUE)
        assert not pattern.search("another_queue")
