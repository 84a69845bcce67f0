"""Who is here, who is away, whose is which connection. Pure.

A v1 client is its connection. A v2 client with requests outlives its connections by `resume_window`: it is away then.
"""

import dataclasses
from collections import OrderedDict
from typing import Final, Generic, TypeVar

from .outstanding import Outstanding
from .rate_limit import RateLimit
from .session import Session
from .tokens import Grant

MOST_AWAY: Final = 10_000
"""Clients that are away at a time; over it the one that has been away longest counts as having left."""

LEFT_REMEMBERED: Final = 2_000
"""Clients that have left, whose late answers are dropped rather than held."""

C = TypeVar("C")


@dataclasses.dataclass(eq=False, slots=True)
class Client(Generic[C]):
    """One client. connection: None while it is away.

    grant: what its token allows. takes_held: it has resumed, or answers of it are held: they are handed over too.
    """

    client_uuid: str
    requests: Outstanding | Session
    connection: C | None
    grant: Grant
    rate: RateLimit
    max_in_flight: int = 1
    takes_held: bool = False
    has_put_away: bool = False  # answers for which it has not said Received in time
    away_since: float = 0.0
    asked_at: float = 0.0  # whether it is at another gateway
    last_seen: float = 0.0  # seconds since the epoch


@dataclasses.dataclass(slots=True)
class Counts:
    """What the gateway has done since it started."""

    accepted: int = 0
    answered: int = 0
    dropped: int = 0


class Registry(Generic[C]):
    """The connections that are open, and the clients by ClientUUID."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.connections: set[C] = set()
        self.clients: dict[str, Client[C]] = {}
        self._away: OrderedDict[str, None] = OrderedDict()  # in the order of leaving
        self._left: OrderedDict[str, None] = OrderedDict()

    def find(self, client_uuid: str) -> Client[C] | None:
        """The client; None when it is neither here nor away."""
        return self.clients.get(client_uuid)

    def come(self, client: Client[C]) -> None:
        """A client has said hello, for the first time here or once more."""
        self._left.pop(client.client_uuid, None)
        self._away.pop(client.client_uuid, None)
        self.clients[client.client_uuid] = client

    def go_away(self, client: Client[C], now: float, wall_clock: float) -> None:
        """The client's connection has ended; it may come back. now: seconds of any clock."""
        client.connection = None
        client.away_since = client.asked_at = now
        client.last_seen = wall_clock
        self._away[client.client_uuid] = None

    def forget(self, client: Client[C]) -> None:
        """Nothing is outstanding of this client: should it come back, it is like new."""
        if self.clients.get(client.client_uuid) is client:
            self._away.pop(client.client_uuid, None)
            del self.clients[client.client_uuid]

    def leave(self, client: Client[C]) -> None:
        """The client does not come back, or waits for nothing: answers for it are dropped."""
        self.forget(client)
        self._left[client.client_uuid] = None
        if len(self._left) > LEFT_REMEMBERED:
            self._left.popitem(last=False)

    def has_left(self, client_uuid: str) -> bool:
        """True for one that was here and is not expected back."""
        return client_uuid in self._left

    def away_too_long(self, now: float, resume_window: float) -> list[Client[C]]:
        """The clients whose time to come back is over, and the oldest of too many."""
        found = []
        surplus = len(self._away) - MOST_AWAY
        for client_uuid in self._away:
            client = self.clients[client_uuid]
            if surplus <= 0 and client.away_since + resume_window > now:
                break
            surplus -= 1
            found.append(client)
        return found

    def away(self) -> list[Client[C]]:
        """The clients that are away, in the order of leaving."""
        return [self.clients[client_uuid] for client_uuid in self._away]

    def connections_of(self, grant: Grant, but_for: str = "") -> int:
        """How many connections the holders of a token have, but for the client of that ClientUUID."""
        return sum(
            one.connection is not None and one.grant.name == grant.name and one.client_uuid != but_for
            for one in self.clients.values()
        )
