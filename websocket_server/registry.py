"""Which connection a ClientUUID belongs to, and what became of the images, pure."""

import dataclasses
from typing import Generic, TypeVar

C = TypeVar("C")


@dataclasses.dataclass(slots=True)
class Counts:
    """What the gateway has done since it started."""

    accepted: int = 0
    answered: int = 0
    dropped: int = 0


class Registry(Generic[C]):
    """The connections that are open, and of those the ones that have said hello, by ClientUUID."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.connections: set[C] = set()
        self._by_client_uuid: dict[str, C] = {}

    def add(self, connection: C) -> None:
        """A connection has been opened."""
        self.connections.add(connection)

    def greet(self, client_uuid: str, connection: C) -> None:
        """A connection has said hello."""
        self._by_client_uuid[client_uuid] = connection

    def remove(self, connection: C, client_uuid: str) -> None:
        """A connection is gone; client_uuid is "" when it never said hello."""
        self.connections.discard(connection)
        self._by_client_uuid.pop(client_uuid, None)

    def find(self, client_uuid: str) -> C | None:
        """The connection of a client; None when it has gone."""
        return self._by_client_uuid.get(client_uuid)
