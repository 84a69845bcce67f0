"""The close codes that we choose (README, "The second version of the wire"); websockets itself closes with 1009."""

from typing import Final

NOT_ALLOWED: Final = 1008
TRY_AGAIN_LATER: Final = 1013
IDLE: Final = 4000
REPLACED: Final = 4001

NO_TOKEN: Final = "not allowed: no token, or one that is not known here"  # noqa: S105 - a sentence
RETRY_AFTER: Final = 5
"""Seconds after which a client that found no room is asked to come again."""


def try_again_later(why: str) -> str:
    """The reason of a 1013; programs find the seconds at its end."""
    return f"try again later: {why}; RetryAfter={RETRY_AFTER}"
