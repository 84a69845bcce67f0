"""Does what the sessions decide: publishes, sends, holds, acknowledges. Brings what the broker tells to the sessions.

The gateway hands it clients that come and go, the broker hands it answers. All decisions are in `session`,
`outstanding`, `unreceived` and `registry`.
"""

import logging
import time
from collections.abc import Iterable
from typing import Final

from protocol import messages_v2 as v2
from protocol.bodies import Addressee, OcrProgress
from protocol.control import Announcement, Cancelled
from protocol.errors import ErrorCode, Refusal
from protocol.messages import Response

from . import actions as do
from .announced import Announced
from .background import BackgroundTasks
from .broker import Broker
from .connection import Connection
from .deliveries import BrokerDelivery
from .held_answers import HeldAnswers
from .image_ids import image_ids
from .memory import Memory
from .metrics import SUCCESS, Metrics
from .outstanding import Outstanding
from .registry import Client, Registry
from .session import Session
from .unreceived import Unreceived

log = logging.getLogger("WebSocket server")

MOST_ACCEPTED_AT: Final = 100_000  # of images whose wait is measured


class Dispatch:
    """One for each gateway."""

    def __init__(self, registry: Registry[Connection], metrics: Metrics, memory: Memory, broker: Broker) -> None:
        self._registry = registry
        self._metrics = metrics
        self._memory = memory
        self.broker = broker
        self.held = HeldAnswers(registry, metrics, broker)
        self.announced_servers = Announced()
        self._unreceived = Unreceived()
        self._accepted_at: dict[str, float] = {}  # by message_id, until it is read
        self._tasks = BackgroundTasks()

    @property
    def unreceived(self) -> int:
        """Answers that the broker keeps until their clients have said Received."""
        return len(self._unreceived)

    # Clients come and go

    def attach(self, client: Client[Connection], connection: Connection) -> None:
        """A v2 client is here, on this connection; it has been welcomed."""
        assert isinstance(client.requests, Outstanding)
        client.connection = connection
        self._registry.come(client)
        self.act(client, connection, client.requests.attached())
        if client.takes_held:
            self.held.take(client)

    def detach(self, client: Client[Connection], connection: Connection) -> None:
        """The client's connection is gone."""
        now = time.monotonic()
        requests = client.requests
        if isinstance(requests, Session):
            self._registry.forget(client)
            self.abandon(client, time.time())
            return
        self.held.stop(client)
        self.act(client, None, requests.detached(connection.unsent))
        self._registry.go_away(client, now, time.time())
        if not requests.in_flight:
            # All that it sent here is answered: what still comes for it here is a repeat.
            self._registry.leave(client)

    def act(
        self, client: Client[Connection] | None, connection: Connection | None, actions: Iterable[do.Action]
    ) -> None:
        """Do these in this order. connection: where a Send goes; None where there is nobody to be told."""
        for action in actions:
            if isinstance(action, do.Send):
                if connection is not None:
                    self._tell(connection, action)
            elif client is not None:
                self._do(client, action)

    def _do(self, client: Client[Connection], action: do.Action) -> None:
        if isinstance(action, do.Publish):
            # Not awaited: a client that sends several at once has them confirmed together.
            self._memory.take(len(action.request.image))
            self._tasks.start(self._publish(client, action))
        elif isinstance(action, do.TakeHeld):
            self.held.look_for_missed(client)
        elif isinstance(action, do.CancelAtServers):
            if action.was_known:
                self._metrics.answered(ErrorCode.CANCELLED)
            self._cancel(Cancelled(client.client_uuid, action.request_id), time.time())
        elif isinstance(action, do.Acknowledge | do.Hold | do.GiveBack):
            delivery = action.delivery
            assert isinstance(delivery, BrokerDelivery)
            self._unreceived.discard(delivery)
            if isinstance(action, do.Acknowledge):
                if action.repeated:
                    self._metrics.repeated()
                else:
                    self.held.received(delivery.answer)
                self.broker.acknowledge(delivery)
            elif isinstance(action, do.GiveBack):
                self.broker.give_back(delivery)
            else:
                self.held.hold(delivery, action.request_id, is_pending_said=action.is_pending_said)

    def _tell(self, connection: Connection, send: do.Send) -> None:
        message = send.message
        if send.code and isinstance(message, Response | v2.Failure):
            name, uuid = message.image_file_name, connection.session.client_uuid
            self._metrics.refused(send.code)
            log.warning(
                f"refused: {name or 'a message'} from {uuid or 'a client before its hello'}: {message.ocr_result}",
                extra=connection.ids(image_file_name=name, error_code=send.code),
            )
        connection.post([send])

    # Images

    async def _publish(self, client: Client[Connection], publish: do.Publish) -> None:
        request, message_id = publish.request, publish.message_id
        facts = image_ids(request, message_id=message_id)
        try:
            await self.broker.publish(message_id, request)
        except Refusal as refusal:
            cause = refusal.__cause__
            why = f"{refusal} ({type(cause).__name__} at the broker)" if cause else f"{refusal}"
            log.warning(f"image refused: {request.image_file_name} from {client.client_uuid}: {why}", extra=facts)
            self._metrics.refused(str(refusal.code))
            self.act(client, client.connection, client.requests.not_published(message_id, refusal))
            if client.connection is None and not client.requests.in_flight:
                self._registry.leave(client)
        else:
            self._metrics.accepted()
            self._registry.counts.accepted += 1
            log.info(f"image queued: {request.image_file_name} from {client.client_uuid}", extra=facts)
            actions = client.requests.published(message_id)
            if actions:  # nothing is to be said when the answer was faster
                self._accepted_at[message_id] = time.monotonic()
                if len(self._accepted_at) > MOST_ACCEPTED_AT:
                    del self._accepted_at[next(iter(self._accepted_at))]
            self.act(client, client.connection, actions)
        finally:
            self._memory.give_back(len(request.image))

    # Answers

    def progress(self, progress: OcrProgress) -> None:
        """An OCR process has begun to read an image."""
        client = self._registry.find(progress.client_uuid)
        if client is None or not isinstance(client.requests, Outstanding):
            return
        actions = client.requests.progress(progress)
        for action in actions:
            if isinstance(action, do.Send) and action.message_id:
                self._has_waited(action.message_id)
        self.act(client, client.connection, actions)

    def asker(self, message_id: str) -> Addressee | None:
        """Whose image was published under this id; None: nobody's who is known here. Looks through all: for mishaps."""
        found = (client.requests.asker(message_id) for client in self._registry.clients.values())
        return next(filter(None, found), None)

    def deliver(self, delivery: BrokerDelivery) -> None:
        """An answer has come: from the result queue, or from the held queue of a client that is here."""
        answer = delivery.answer
        if delivery.is_redelivered:
            self._metrics.redelivered()
        client = self._registry.find(answer.client_uuid)
        if client is None:
            self._for_nobody_here(delivery)
            return
        requests = client.requests
        if isinstance(requests, Session):
            sends, is_first = requests.answered(delivery.correlation_id, answer), True
            actions: list[do.Action] = [*sends, do.Acknowledge(delivery, repeated=not sends)]
        else:
            is_first = not delivery.is_held and not requests.has_answer(delivery)
            actions = requests.answered(delivery)
            settled = any(isinstance(one, do.Acknowledge | do.Hold | do.GiveBack) for one in actions)
            if not delivery.is_held and not settled:
                self._unreceived.add(delivery, delivery.size, time.monotonic())
        if any(isinstance(one, do.Acknowledge) and one.repeated for one in actions):
            log.info(f"an answer that has come before is dropped: {answer.image_file_name}", extra=image_ids(answer))
        elif is_first:
            self._count(delivery)
        self.act(client, client.connection, actions)

    def _for_nobody_here(self, delivery: BrokerDelivery) -> None:
        answer = delivery.answer
        if delivery.is_held:
            self.broker.give_back(delivery)  # its client has gone just now
        elif answer.request_id and not self._registry.has_left(answer.client_uuid):
            # A v2 client of another gateway by now, or of this one before it was started anew.
            self.held.hold(delivery, answer.request_id, is_pending_said=False)
        else:
            self._metrics.dropped()
            self._registry.counts.dropped += 1
            log.info(
                f"an answer for a client that has gone is dropped: {answer.image_file_name}, {answer.client_uuid}",
                extra=image_ids(answer),
            )
            self.broker.acknowledge(delivery)

    def _count(self, delivery: BrokerDelivery) -> None:
        """An answer has come for the first time."""
        self._registry.counts.answered += 1
        answer = delivery.answer
        self._metrics.answered(answer.error_code or SUCCESS)
        if answer.details.elapsed_ms is not None:
            self._metrics.read(answer.details.elapsed_ms / 1000)
        if delivery.correlation_id:
            self._has_waited(delivery.correlation_id)

    def _has_waited(self, message_id: str) -> None:
        since = self._accepted_at.pop(message_id, None)
        if since is not None:
            self._metrics.waited(time.monotonic() - since)

    # The broker, and time

    def announced(self, announcement: Announcement) -> None:
        """An OCR server has announced itself."""
        self.announced_servers.hear(announcement, time.monotonic())

    def connected(self) -> None:
        """The broker is reached, anew."""
        if self.broker.connection_count > 1:
            self._metrics.broker_reconnected()
        self.held_lost()

    def held_lost(self) -> None:
        """Held answers are not taken any more: take them anew, for all that are here."""
        self.held.take_all()

    def put_away_what_is_not_received(self, now: float) -> None:
        """Have answers held whose clients have not said Received for too long. now: of time.monotonic()."""
        for delivery in self._unreceived.due(now):
            client = self._registry.find(delivery.answer.client_uuid)
            if client is not None and isinstance(client.requests, Outstanding):
                self.act(client, None, client.requests.put_away(delivery))

    def abandon(self, client: Client[Connection], until: float) -> None:
        """Have the images skipped that a client has left behind, published until then (seconds since the epoch)."""
        requests = client.requests
        for message_id in requests.message_ids:
            self._accepted_at.pop(message_id, None)
        if requests.unanswered if isinstance(requests, Outstanding) else requests.in_flight:
            self._cancel(Cancelled(client.client_uuid), until)

    def _cancel(self, cancelled: Cancelled, until: float) -> None:
        self._tasks.start(self.broker.cancel(cancelled, until))

    async def finish(self) -> None:
        """Wait until what is to be held is held, and what is settled is settled."""
        await self.held.held()
        await self.broker.settled()
