"""Who may come in, and as whom. Pure but for what it is given."""

import dataclasses
from collections.abc import Callable

from protocol import messages_v2 as v2
from protocol.errors import ErrorCode, Refusal
from protocol.messages import new_client_uuid

from .resume_key import ResumeKeys
from .tokens import Grant

ANYBODY = Grant("", None, None, None)
"""What everybody may where no tokens are asked for."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A client that may come in. is_resumed: it was here, or at another gateway of the broker, before."""

    client_uuid: str
    resume_key: str
    is_resumed: bool
    grant: Grant


class Door:
    """Checks tokens and keys.

    find_grant: what a token allows, None for a token that is not known; None asks for no tokens.
    """

    def __init__(self, keys: ResumeKeys, find_grant: Callable[[str], Grant | None] | None) -> None:
        self._keys = keys
        self._find_grant = find_grant

    def grant(self, token: str) -> Grant:
        """What the token allows, "" being none. Raises Refusal NOT_ALLOWED."""
        if self._find_grant is None:
            return ANYBODY
        found = self._find_grant(token)
        if found is None:
            what = "The token is not known here." if token else "A token is asked for, in the hello or as bearer."
            raise Refusal(ErrorCode.NOT_ALLOWED, what)
        return found

    def enter(self, hello: v2.Hello, bearer: str) -> Entry:
        """Raises Refusal NOT_ALLOWED, or BAD_CLIENT_UUID for a ClientUUID without its right key."""
        grant = self.grant(hello.token or bearer)
        client_uuid = hello.client_uuid
        if client_uuid and not self._keys.fits(client_uuid, hello.resume_key, grant.name):
            raise Refusal(
                ErrorCode.BAD_CLIENT_UUID, "The ResumeKey is not that of this ClientUUID. Say hello without both."
            )
        is_resumed = bool(client_uuid)
        client_uuid = client_uuid or new_client_uuid()
        return Entry(client_uuid, self._keys.key(client_uuid, grant.name), is_resumed, grant)
