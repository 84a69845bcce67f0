"""Who is here, who is away, who has left."""

from websocket_server import registry as module
from websocket_server.door import ANYBODY
from websocket_server.outstanding import Outstanding
from websocket_server.rate_limit import RateLimit
from websocket_server.registry import Client, Registry
from websocket_server.tokens import Grant


def _client(name: str, grant: Grant = ANYBODY) -> Client[str]:
    return Client(name, Outstanding(name, 32), f"connection of {name}", grant, RateLimit(0))


def _registry(*clients: Client[str]) -> Registry[str]:
    registry: Registry[str] = Registry()
    for client in clients:
        registry.come(client)
    return registry


def test_a_client_is_found_while_it_is_here_and_while_it_is_away() -> None:
    client = _client("a")
    registry = _registry(client)
    assert registry.find("a") is client
    registry.go_away(client, 1.0, 1000.0)
    assert registry.find("a") is client
    assert client.connection is None
    assert registry.away() == [client]
    registry.forget(client)
    assert registry.find("a") is None
    assert registry.away() == []


def test_only_those_whose_time_is_over_have_been_away_too_long() -> None:
    first, second = _client("a"), _client("b")
    registry = _registry(first, second)
    registry.go_away(first, 0.0, 0.0)
    registry.go_away(second, 5.0, 0.0)
    assert registry.away_too_long(9.9, 10.0) == []
    assert registry.away_too_long(10.0, 10.0) == [first]
    assert registry.away_too_long(15.0, 10.0) == [first, second]


def test_a_client_that_comes_back_is_not_away_any_more() -> None:
    client = _client("a")
    registry = _registry(client)
    registry.go_away(client, 0.0, 0.0)
    registry.come(client)
    assert registry.away_too_long(1e9, 10.0) == []


def test_of_too_many_that_are_away_the_oldest_has_left() -> None:
    clients = [_client(str(number)) for number in range(module.MOST_AWAY + 2)]
    registry = _registry(*clients)
    for number, client in enumerate(clients):
        registry.go_away(client, float(number), 0.0)
    assert registry.away_too_long(0.0, 1e9) == clients[:2]


def test_one_that_has_left_is_remembered_until_it_comes_again() -> None:
    client = _client("a")
    registry = _registry(client)
    registry.leave(client)
    assert registry.has_left("a")
    assert registry.find("a") is None
    registry.come(client)
    assert not registry.has_left("a")


def test_connections_are_counted_for_each_token() -> None:
    grant = Grant("ada")
    registry = _registry(_client("a", grant), _client("b", grant), _client("c"))
    assert registry.connections_of(grant, but_for="") == 2
