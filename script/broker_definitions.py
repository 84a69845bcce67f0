"""What RabbitMQ starts with in docker-compose.yml: an account for each server, with no more rights than it needs.

    python -m script.broker_definitions FOLDER

makes the passwords that are not there yet, each in a folder that only its server gets to see, and writes the broker's
definitions: accounts (hashes of the passwords), permissions, queues and exchanges. In FOLDER:

    broker/definitions.json    gateway/password    gateway/resume_secret    ocr_server/password

Settings are read from the environment, as the servers do, so that the queues are the ones they declare.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import hashlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol.topology import EXCHANGES, queues
from settings.loader import SettingsError, load
from settings.schema import GatewaySettings, RabbitMQ

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Permissions:
    """Patterns of the names that an account may configure, write to and read from (RabbitMQ, "Access Control")."""

    configure: str
    write: str
    read: str


# A server configures what it declares. Declaring a queue that dead-letters asks for reading it as well, but only while
# it is not there: that is why the queues are made here, and neither server may read what only the other one takes.
# Writing to amq.default is publishing to any queue: RabbitMQ cannot grant that queue by queue. amq.gen-… are the queues
# for fanouts that a server makes for itself; they are exclusive to its connection.
PERMISSIONS = {
    "gateway": Permissions(
        configure=r"^(pending_queue|dead_letter_queue|result_queue.*|held\..+|ocr\.control|ocr\.announce|amq\.gen-.*)$",
        write=r"^(amq\.default|ocr\.control|amq\.gen-.*)$",
        read=r"^(result_queue.*|held\..+|ocr\.announce|amq\.gen-.*)$",
    ),
    "ocr_server": Permissions(
        configure=r"^(pending_queue|dead_letter_queue|result_queue|ocr\.control|ocr\.announce|amq\.gen-.*)$",
        write=r"^(amq\.default|ocr\.announce|amq\.gen-.*)$",
        read=r"^(pending_queue|ocr\.control|amq\.gen-.*)$",
    ),
}


def definitions(settings: RabbitMQ, passwords: dict[str, str]) -> dict[str, Any]:
    """What the broker imports. passwords: by account."""
    host = settings.virtual_host
    declared = queues(settings.queue_type, settings.result_queue, settings.max_pending, settings.max_pending_bytes)
    return {
        "vhosts": [{"name": host}],
        "users": [
            {
                "name": account,
                "password_hash": password_hash(password, secrets.token_bytes(4)),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
            for account, password in passwords.items()
        ],
        "permissions": [
            {"user": account, "vhost": host, **dataclasses.asdict(PERMISSIONS[account])} for account in passwords
        ],
        "queues": [
            {"name": one.name, "vhost": host, "durable": True, "auto_delete": False, "arguments": one.arguments}
            for one in declared
            if one.durable  # others go with the broker's next start, and need no right to read for declaring them
        ],
        "exchanges": [
            {
                "name": name,
                "vhost": host,
                "type": "fanout",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name in EXCHANGES
        ],
    }


def password_hash(password: str, salt: bytes) -> str:
    """As RabbitMQ keeps it ("Credentials and Passwords"): four bytes of salt, then the SHA-256 of salt and password."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode("utf-8")).digest()).decode("ascii")


def kept_secret(path: Path) -> str:
    """The secret of a file, which is made when it is missing, and then for its owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write(path, secrets.token_hex(32), mode=0o400)  # no character that a shell or a flag would take for its own
    return path.read_text("utf-8").strip()


def write(path: Path, text: str, mode: int) -> None:
    """Write a file, as a whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    new.chmod(mode)  # whatever the umask is
    new.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; 0 when they are there."""
    parser = argparse.ArgumentParser(description="Accounts, permissions, queues and exchanges for a new broker.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where passwords and definitions are kept")
    folder: Path = parser.parse_args(arguments).folder
    try:
        settings = load(GatewaySettings, None, os.environ).rabbitmq
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    passwords = {account: kept_secret(folder / account / "password") for account in PERMISSIONS}
    kept_secret(folder / "gateway" / "resume_secret")
    (folder / "broker").mkdir(exist_ok=True)
    text = json.dumps(definitions(settings, passwords), indent=2)
    write(folder / "broker" / "definitions.json", text, mode=0o444)  # RabbitMQ has a user of its own
    print(f"accounts for {' and '.join(PERMISSIONS)} are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
