"""Who may use the gateway: the tokens file, read again when it changes. Tokens themselves are neither kept nor logged.

A line for each token, of the form

    NAME sha256:HEX [max_in_flight=N] [images_per_minute=N] [max_connections=N]

with `#` before comments. Two lines of one NAME are one client with two tokens, as while one replaces the other.

Plain SHA-256, without salt or stretching, is enough for what `new_token` makes: nobody guesses 256 random bits (NIST SP
800-63B, 5.1.2.2: from 112 bits on an approved one-way function will do). For words that people choose it would not be.
Nor does looking a hash up tell anything by its time: who sends a token cannot choose the bits of its hash.
"""

import dataclasses
import hashlib
import logging
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from settings.loader import SettingsError

log = logging.getLogger("WebSocket server")

HASH_PREFIX: Final = "sha256:"
TOKEN_PREFIX: Final = "ocr_"  # noqa: S105 - so that people, and programs that look for leaked secrets, know what it is
LIMITS: Final = ("max_in_flight", "images_per_minute", "max_connections")
NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NAME_RULE: Final = "1 to 64 of the characters A-Z a-z 0-9 . _ -"
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


@dataclasses.dataclass(frozen=True)
class Grant:
    """What the bearer of a token may do; a limit that is None is the gateway's own."""

    name: str
    max_in_flight: int | None = None
    images_per_minute: int | None = None
    max_connections: int | None = None


class Tokens:
    """The grants, by the SHA-256 of their tokens."""

    def __init__(self, grants: Mapping[bytes, Grant]) -> None:
        self._grants = dict(grants)

    def __len__(self) -> int:
        return len(self._grants)

    def find(self, token: str) -> Grant | None:
        """What the bearer of `token` may do; None for a token that is not known."""
        return self._grants.get(_sha256(token))


class TokensFile:
    """The tokens of a file that may change while the gateway runs. Raises SettingsError when it is wrong at first.

    Each `find` sees whether it has changed. When it has become wrong the last good one holds, and the log says so once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()
        self._tokens = load(path)

    def find(self, token: str) -> Grant | None:
        """What the bearer of `token` may do as the file now stands; None for a token that is not known."""
        self._look()
        return self._tokens.find(token)

    def _look(self) -> None:
        now = self._state()  # taken before the file is read: what changes while it is read is seen next time
        if now == self._seen:
            return
        self._seen = now
        try:
            self._tokens = load(self._path)
        except SettingsError as error:
            log.error(f"{error} The tokens as they were before go on.")
        else:
            log.info(f"[Auth] tokens_file = {self._path} has changed: {len(self._tokens)} tokens")

    def _state(self) -> tuple[int, int, int] | None:
        """What a change changes; None when there is no file to be seen, which `load` then explains."""
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino  # the last: a new file moved into its place


def load(path: Path) -> Tokens:
    """The tokens of a file; one without any lets nobody in. Raises SettingsError, with file and line but no hash."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"[Auth] tokens_file = {path} cannot be read: {_reason(error)}.") from None
    grants: dict[bytes, Grant] = {}
    by_name: dict[str, Grant] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        try:
            if words:
                _add(grants, by_name, *_parse(words))
        except ValueError as error:
            raise SettingsError(f"[Auth] tokens_file = {path}, line {number}: {error}.") from None
    return Tokens(grants)


def new_token(name: str) -> tuple[str, str]:
    """A new token, to be shown once, and its line for the tokens file. Raises SettingsError for a name that is none."""
    if not NAME.fullmatch(name):
        raise SettingsError(f"A token's name has {_NAME_RULE}.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return token, f"{name} {HASH_PREFIX}{_sha256(token).hex()}"


def bearer(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750, 2.1); "" when there is none, or another scheme."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _parse(words: list[str]) -> tuple[bytes, Grant]:
    """Hash and grant of a line. Raises ValueError, which repeats nothing of it: a token may stand there by mistake."""
    name, token_hash, *limits = [*words, ""] if len(words) == 1 else words
    if not NAME.fullmatch(name):
        raise ValueError(f"the first word is to be a name of {_NAME_RULE}")
    if not (token_hash.startswith(HASH_PREFIX) and _HASH.fullmatch(token_hash.removeprefix(HASH_PREFIX))):
        raise ValueError(f"the second word is to be {HASH_PREFIX} and 64 hexadecimal digits, the token's SHA-256")
    found: dict[str, int] = {}
    for position, limit in enumerate(limits, 3):
        key, _, value = limit.partition("=")
        if key not in LIMITS or key in found or not _NUMBER.fullmatch(value):
            allowed = ", ".join(f"{one}=N" for one in LIMITS)
            raise ValueError(f"word {position} is to be one of {allowed}, each once and N a whole number from 1")
        found[key] = int(value)
    return bytes.fromhex(token_hash.removeprefix(HASH_PREFIX)), Grant(name, **found)


def _add(grants: dict[bytes, Grant], by_name: dict[str, Grant], token_hash: bytes, grant: Grant) -> None:
    if token_hash in grants:
        raise ValueError("the same token stands in a line above")
    if by_name.setdefault(grant.name, grant) != grant:
        raise ValueError("a line above gives the same name other limits")
    grants[token_hash] = grant


def _sha256(token: str) -> bytes:
    # A token is whatever a client sends: half a surrogate pair is no token of ours, and no reason to fail.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _reason(error: OSError | UnicodeDecodeError) -> str:
    # The error's own words would hold bytes of the file.
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror or error)
