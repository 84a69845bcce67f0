"""Looks after those who are not there: clients that are away, and the Received of those that do not say it."""

import asyncio
import logging
import time
from typing import Final

from settings.event_log import ids

from .broker import Broker
from .connection import Connection
from .dispatch import Dispatch
from .registry import Client, Registry

log = logging.getLogger("WebSocket server")

LOOK: Final = 0.5
"""Seconds between looks at the clocks."""

QUESTIONS: Final = 4
"""How often, within resume_window, the broker is asked whether a client has gone to another gateway."""


class Absence:
    """One for each gateway. resume_window: seconds that a client may be away."""

    def __init__(
        self, resume_window: float, registry: Registry[Connection], dispatch: Dispatch, broker: Broker
    ) -> None:
        self._resume_window = resume_window
        self._registry = registry
        self._dispatch = dispatch
        self._broker = broker

    async def look_after(self) -> None:
        """Until cancelled."""
        await asyncio.gather(self._look_at_the_clock(), self._look_elsewhere())

    async def _look_at_the_clock(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            self._dispatch.put_away_what_is_not_received(now)
            for client in self._registry.away_too_long(now, self._resume_window):
                self._leave(client)

    def _leave(self, client: Client[Connection]) -> None:
        self._registry.leave(client)
        log.info(
            f"client left: {client.client_uuid} was away for {self._resume_window:g} s and more; what is queued of it "
            "is cancelled",
            extra=ids(client_uuid=client.client_uuid),
        )
        self._dispatch.abandon(client, client.last_seen)

    async def _look_elsewhere(self) -> None:
        """A client that another gateway serves by now is that gateway's: it has not left."""
        every = self._resume_window / QUESTIONS
        while True:
            await asyncio.sleep(LOOK)
            for client in self._registry.away():
                now = time.monotonic()
                if now < client.asked_at + every:
                    continue
                client.asked_at = now
                is_elsewhere = await self._broker.is_consumed_elsewhere(client.client_uuid)
                if is_elsewhere and client.connection is None:
                    log.info(
                        f"client at another gateway: {client.client_uuid}", extra=ids(client_uuid=client.client_uuid)
                    )
                    self._registry.forget(client)
