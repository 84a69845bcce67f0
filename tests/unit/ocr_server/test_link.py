"""One connection's images, on a connection of paper."""

import logging
from types import SimpleNamespace
from typing import Any

from ocr_server.link import Link
from settings.schema import RabbitMQ


def test_an_answer_is_told_of_once_its_image_is_acknowledged_and_that_has_been_written() -> None:
    happened: list[str] = []
    connection: Any = SimpleNamespace(channel=lambda **_: None, flush=lambda: happened.append("written"))
    nothing: Any = lambda *_: None  # noqa: E731
    link = Link(connection, RabbitMQ(), "name", logging.getLogger("test"), *(nothing,) * 5)
    paper: Any = SimpleNamespace(is_open=True, acknowledge=lambda *_, **__: happened.append("acknowledged"))
    link._channel = link._shortcut = paper
    delivery: Any = SimpleNamespace(tag=1)
    link._acknowledgements.delivered(delivery.tag)
    link.acknowledge(delivery, lambda: happened.append("told"))
    link.end_turn()
    assert happened == ["acknowledged", "written", "told"]
