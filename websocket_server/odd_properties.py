"""Properties of a message that pamqp cannot read: each costs itself, not the connection.

Anybody may have published it, with bytes for text, a time beyond the year 9999 (of a clock that counts nanoseconds), or
tables in tables a thousand deep: RabbitMQ hands all of it on. pamqp raises, aiormq drops the connection, the message
goes back to the head of its queue, and the next connection ends with it too.
"""

import logging
from typing import Any, Final

from pamqp import decode
from pamqp.base import BasicProperties
from pamqp.commands import Basic

log = logging.getLogger("WebSocket server")

_read: Final = Basic.Properties.unmarshal


def tolerate() -> None:
    """Have pamqp leave out what it cannot read, from now on, in this process; safe to call twice."""
    Basic.Properties.unmarshal = _read_what_can_be_read  # type: ignore[method-assign, assignment]


def _read_what_can_be_read(properties: BasicProperties, flags: int, data: bytes) -> None:
    try:
        _read(properties, flags, data)
    except Exception:  # noqa: BLE001 - they come in every kind, also as RecursionError
        _read_one_by_one(properties, flags, data)


def _read_one_by_one(properties: BasicProperties, flags: int, data: bytes) -> None:
    for name in properties.__slots__:
        if not flags & properties.flags[name]:
            continue
        kind = properties.amqp_type(name)
        size = _size(kind, data)
        value: Any = None
        try:
            value = decode.by_type(data[:size], kind)[1]
        except Exception as error:  # noqa: BLE001 - as above
            log.warning(f"the property {name} of a message cannot be read, and is ignored ({type(error).__name__})")
        setattr(properties, name, value)
        data = data[size:]


def _size(kind: str, data: bytes) -> int:
    """How many bytes a property takes (AMQP 0-9-1, section 4.2.5)."""
    if kind == "shortstr":
        return 1 + data[0]
    if kind == "table":
        return 4 + int.from_bytes(data[:4], "big")
    return {"octet": 1, "timestamp": 8}[kind]
