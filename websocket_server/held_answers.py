"""Puts answers into the held queues of clients that are away, and takes them for clients that are here."""

import asyncio
import contextlib
import dataclasses
import logging
from typing import Final

from protocol.bodies import OcrAnswer

from .background import BackgroundTasks
from .broker import Broker, NotHeld
from .connection import Connection
from .deliveries import BrokerDelivery
from .image_ids import image_ids
from .metrics import Metrics
from .registry import Client, Registry

log = logging.getLogger("WebSocket server")

HOLDING_AT_A_TIME: Final = 16
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds between tries to hold an answer, or to take a client's held ones."""


class HeldAnswers:
    """One for each gateway."""

    def __init__(self, registry: Registry[Connection], metrics: Metrics, broker: Broker) -> None:
        self._registry = registry
        self._metrics = metrics
        self._broker = broker
        self._holding, self._taking = BackgroundTasks(), BackgroundTasks()
        self._places = asyncio.Semaphore(HOLDING_AT_A_TIME)
        self._taken_for: set[Connection] = set()
        # Of answers with a copy in a queue that is too young, by ClientUUID and RequestId; done once the client has it.
        self._young: dict[tuple[str, str], asyncio.Future[None]] = {}

    # For a client that is here

    def take(self, client: Client[Connection]) -> None:
        """Take a client's held answers from now on, as long as its connection lasts; it has one."""
        assert client.connection is not None
        self._taking.start(self._take(client.client_uuid, client.connection))

    def take_all(self) -> None:
        """They are not taken any more: take them anew, for all that are here."""
        for client in self._registry.clients.values():
            if client.connection is not None and client.takes_held:
                self.take(client)

    def heard(self, client: Client[Connection], connection: Connection) -> None:
        """A client has said something on this connection: so it is here, and not at another gateway."""
        if client.has_put_away and client.connection is connection:
            client.has_put_away = False
            self.take(client)

    def look_for_missed(self, client: Client[Connection]) -> None:
        """A client that is here asks again for what it has been promised: another gateway may have held the answer."""
        if client.takes_held or client.connection is None:
            return
        client.takes_held = True
        log.info(f"an answer is asked for again, and looked for in the held queue of {client.client_uuid}")
        self.take(client)

    def stop(self, client: Client[Connection]) -> None:
        """Take a client's held answers no more."""
        if client.takes_held:
            self._taking.start(self._broker.stop_held(client.client_uuid))

    async def _take(self, client_uuid: str, connection: Connection) -> None:
        """Try until it is done or this connection has ended; once for each."""
        if connection in self._taken_for:
            return
        self._taken_for.add(connection)
        pause = FIRST_PAUSE
        try:
            while (client := self._registry.find(client_uuid)) is not None and client.connection is connection:
                if await self._broker.consume_held(client_uuid, client.max_in_flight):
                    break
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._taken_for.discard(connection)
        client = self._registry.find(client_uuid)
        if client is None or client.connection is None:
            await self._broker.stop_held(client_uuid)

    # For a client that is away, or does not say Received

    def hold(self, delivery: BrokerDelivery, request_id: str, *, is_pending_said: bool) -> None:
        """Put an answer into its client's held queue, and acknowledge it when it is safe there."""
        self._holding.start(self._hold(delivery, request_id, is_pending_said=is_pending_said))

    async def _hold(self, delivery: BrokerDelivery, request_id: str, *, is_pending_said: bool) -> None:
        answer = dataclasses.replace(delivery.answer, request_id=request_id)
        pause = 0.0
        while delivery.is_live:  # else the connection was lost that it came by: then it comes again
            await asyncio.sleep(pause)
            try:
                async with self._places:  # for one try: an answer that cannot be held does not keep others from it
                    safe_in = await self._broker.hold(answer, is_pending_said=is_pending_said)
            except NotHeld as error:
                if not pause:
                    log.warning(
                        f"an answer for {answer.client_uuid} cannot be held yet: {error}", extra=image_ids(answer)
                    )
                pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
            else:
                self._is_held(answer)
                await self._safe_or_received(answer, safe_in)
                delivery.acknowledge()
                return

    async def _safe_or_received(self, answer: OcrAnswer, seconds: float) -> None:
        if seconds <= 0:
            return
        key = (answer.client_uuid, answer.request_id)
        received = self._young.setdefault(key, asyncio.get_running_loop().create_future())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await asyncio.shield(received)
        finally:
            if self._young.get(key) is received:
                del self._young[key]

    def received(self, answer: OcrAnswer) -> None:
        """The client has this answer: its original need not wait any longer, nor come again when this gateway dies."""
        received = self._young.pop((answer.client_uuid, answer.request_id), None)
        if received is not None:
            received.set_result(None)

    def _is_held(self, answer: OcrAnswer) -> None:
        self._metrics.held()
        log.info(f"answer held: {answer.image_file_name} for {answer.client_uuid}", extra=image_ids(answer))
        client = self._registry.find(answer.client_uuid)
        if client is not None:
            # Taken when it shows that it lives: until then another gateway may have it, and its answers.
            client.takes_held = client.has_put_away = True

    async def held(self) -> None:
        """Wait until what is to be held is held."""
        await self._holding.ended()
