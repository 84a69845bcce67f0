"""Which connection a ClientUUID belongs to."""

from websocket_server.registry import Registry


def test_a_client_is_found_until_its_connection_is_gone() -> None:
    registry: Registry[str] = Registry()
    registry.add("connection")
    assert registry.find("uuid") is None
    registry.greet("uuid", "connection")
    assert registry.find("uuid") == "connection"
    registry.remove("connection", "uuid")
    assert registry.find("uuid") is None
    assert registry.connections == set()


def test_a_connection_that_never_said_hello_is_removed_too() -> None:
    registry: Registry[str] = Registry()
    registry.add("connection")
    registry.remove("connection", "")
    assert registry.connections == set()
