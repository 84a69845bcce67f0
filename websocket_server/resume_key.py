"""The proof that a ClientUUID is the client's own: an HMAC over it, the same on all gateways of a broker."""

import hashlib
import hmac
from pathlib import Path
from typing import Final

from settings.loader import SettingsError
from settings.schema import Auth, RabbitMQ

LEAST_SECRET: Final = 16
"""Bytes: when they are random, 128 bits, which nobody guesses."""

_LABEL: Final = b"Online OCR, resume keys, version 1"
_DEFAULT_PASSWORD: Final = "guest"  # noqa: S105 - RabbitMQ's, known to everybody


class ResumeKeys:
    """Makes and checks resume keys. secret: not empty."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def key(self, client_uuid: str, token_name: str = "") -> str:
        """The ResumeKey of a client; token_name: whose token it came with, "" without one."""
        # Token names have no NUL, so no two of them make one text of one ClientUUID.
        owned = f"{client_uuid}\0{token_name}" if token_name else client_uuid
        # Half a surrogate pair may come in from a client; it fits nothing, and that is all.
        return hmac.new(self._secret, owned.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def fits(self, client_uuid: str, key: str, token_name: str = "") -> bool:
        """Whether `key` is the client's, found in a time that does not tell how much of it is right."""
        expected = self.key(client_uuid, token_name).encode("ascii")
        return hmac.compare_digest(expected, key.encode("utf-8", "surrogatepass"))  # as text it takes ASCII only


def secret_from(auth: Auth, rabbitmq: RabbitMQ) -> tuple[bytes, str]:
    """The secret of the resume keys, and a warning for the log; "" when it comes from a file. Raises SettingsError.

    Without a file it is derived from the broker's password, which gateways of one broker share and clients do not know.
    """
    if auth.secret_file:
        return _from_file(Path(auth.secret_file)), ""
    return _from_password(rabbitmq.password), _warning(rabbitmq.password)


def _from_file(path: Path) -> bytes:
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"[Auth] secret_file = {path} cannot be read: {error.strerror or error}.") from None
    if len(secret) < LEAST_SECRET:
        raise SettingsError(
            f"[Auth] secret_file = {path} holds {len(secret)} bytes, fewer than {LEAST_SECRET}. "
            f"Make one with: openssl rand -hex 32 > {path}"
        )
    return secret


def _from_password(password: str) -> bytes:
    """Scrypt, not one more HMAC: a client has a ClientUUID and its key, and must not try passwords on them quickly.

    The salt is fixed, since all gateways must come to the same. Cost: OWASP's password storage cheat sheet, 32 MiB.
    """
    return hashlib.scrypt(password.encode("utf-8"), salt=_LABEL, n=2**15, r=8, p=3, maxmem=64 * 1024**2, dklen=32)


def _warning(password: str) -> str:
    advice = "Set [Auth] secret_file, the same on all gateways of this broker."
    if password == _DEFAULT_PASSWORD:
        return (
            "[Auth] secret_file is empty, and the broker's password, which resume keys are made from instead, is "
            f"RabbitMQ's default: whoever learns a ClientUUID can take over that client. {advice}"
        )
    return f"[Auth] secret_file is empty: resume keys are made from the broker's password and change with it. {advice}"
