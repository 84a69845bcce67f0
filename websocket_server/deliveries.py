"""An answer as the broker hands it over, until it is acknowledged or given back. One of the users of aio-pika."""

import asyncio
import logging
from typing import Final

from aio_pika.abc import AbstractIncomingMessage

from protocol.bodies import OcrAnswer

from .lost_channels import or_lost

log = logging.getLogger("WebSocket server")

PENDING_SAID: Final = "PendingSaid"
"""Header of a held answer whose client has had PENDING."""


class BrokerDelivery:
    """What `actions.Delivery` asks for. lost: set when the connections are lost that it came by."""

    def __init__(
        self, answer: OcrAnswer, message: AbstractIncomingMessage, lost: asyncio.Event, *, is_held: bool = False
    ) -> None:
        self.answer = answer
        self.correlation_id = message.correlation_id
        self.is_redelivered = bool(message.redelivered)
        self.is_held = is_held
        self.is_pending_said = bool(message.headers.get(PENDING_SAID))
        self.size = len(message.body)
        self._message = message
        self._lost = lost
        self._is_settled = False

    @property
    def is_live(self) -> bool:
        """False once it is settled, or the connection is lost that it came by: then it comes again."""
        return not self._is_settled and not self._lost.is_set()

    async def acknowledge(self) -> None:
        """It is done with. In vain on a connection that is lost: then it comes again, and is known."""
        if self._settle():
            try:
                await or_lost(self._message.ack())
            except Exception as error:  # noqa: BLE001 - aiormq's come in every kind
                log.debug(f"an acknowledgement was lost with its connection: {error!r}")

    async def give_back(self) -> None:
        """Leave it in its queue, for whoever consumes it next. A lost connection does so by itself."""
        if self._settle():
            try:
                await or_lost(self._message.nack(requeue=True))
            except Exception as error:  # noqa: BLE001 - as above
                log.debug(f"an answer goes back with its lost connection: {error!r}")

    def _settle(self) -> bool:
        is_first, self._is_settled = self.is_live, True
        return is_first
