"""The gateway's side of RabbitMQ: publishes images, takes answers. aio-pika's errors end here.

`link`, `held_queues`, `fanouts` and `deliveries` are parts of it; nobody else uses aio-pika. Connections are aio-pika's
plain ones, opened again by `Broker.run` as a whole: after any loss everything is declared and consumed anew, so no
half-restored state is left behind (docs/decisions.md, "Why not connect_robust?").
"""

import asyncio
import functools
import logging
import random
from typing import Final, Protocol

from aio_pika import exceptions
from aiormq.abc import DeliveredMessage

from protocol.bodies import Addressee, OcrAnswer, OcrProgress, OcrRequest, decode_answer, encode_request
from protocol.control import Announcement, Cancelled
from protocol.errors import ErrorCode, Refusal
from protocol.messages import UndecodableMessage
from protocol.topology import (
    DEAD_LETTER_QUEUE,
    QueuesDiffer,
    can_be_held,
    explain_mismatch,
)
from protocol.undecodable_answers import in_place_of
from settings.event_log import ids
from settings.schema import RabbitMQ

from .background import BackgroundTasks
from .deliveries import BrokerDelivery, Settling, tag_of
from .link import Link, explain
from .lost_channels import or_lost

log = logging.getLogger("WebSocket server")

PUBLISH_TIMEOUT: Final = 4.0
"""Seconds until an image that the broker does not confirm is refused; a refusal must reach the client within 5."""

FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 5.0


class NotHeld(Exception):
    """An answer could not be held, for now; the message says why."""


class Events(Protocol):
    """What the broker tells."""

    def deliver(self, delivery: BrokerDelivery) -> None:
        """An answer has come; it is kept until it is acknowledged or given back."""

    def progress(self, progress: OcrProgress) -> None:
        """An OCR process has begun to read an image."""

    def asker(self, message_id: str) -> Addressee | None:
        """Whose image was published under this id; None: nobody's who waits here."""

    def announced(self, announcement: Announcement) -> None:
        """An OCR server has announced itself."""

    def connected(self) -> None:
        """The broker is reached, anew: what was delivered and not acknowledged comes again."""

    def held_lost(self) -> None:
        """Held answers are not taken any more; what was delivered of them and not acknowledged comes again."""


class Broker:
    """Publishes images and hands over answers, reconnecting for as long as `run` runs.

    resume_window: seconds that held answers are kept for a client that is away.
    """

    def __init__(self, settings: RabbitMQ, resume_window: float) -> None:
        self._settings = settings
        self._resume_window = resume_window
        self._link: Link | None = None  # None while the broker is not reached
        self._giving_back = BackgroundTasks()
        self.connection_count = 0
        self._ready = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """True while images can be published and answers taken."""
        return self._ready.is_set()

    async def run(self, events: Events) -> None:
        """Keep the connections up until cancelled, and tell what comes by them. Raises QueuesDiffer."""
        delay, said = (
            FIRST_BACKOFF,
            set[str](),
        )  # why it is not reached, but for a library's words in brackets: each once
        where = f"{self._settings.host}:{self._settings.port}"
        while True:
            link, connected_before = Link(self._settings, self._lost), self.connection_count
            try:
                await or_lost(self._use(link, where, events))
                why = ""
            except Exception as error:  # aiormq's come in every kind, a bare Exception among them
                if isinstance(error, exceptions.ChannelPreconditionFailed) and "inequivalent" in str(error):
                    raise QueuesDiffer(explain_mismatch(str(error))) from error
                why = explain(error, where)
            finally:
                self._lost(link)
            if self.connection_count > connected_before:
                delay = FIRST_BACKOFF
                said.clear()
                why = f"the connection to the broker at {where} is lost; connecting again"
            if (kind := why.partition("(")[0]) not in said:  # it may change, as when the password is another now
                log.warning(why)
                said.add(kind)
            # Jitter, so that many gateways do not come back in the same instant.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
            delay = min(2 * delay, LONGEST_BACKOFF)

    async def _use(self, link: Link, where: str, events: Events) -> None:
        """Connect, and return when the connection is lost. Raises what aiormq raises."""
        on_answer = functools.partial(_on_answer, events)
        on_held = functools.partial(_on_held, events)
        async with link.opened(self._resume_window, on_answer, on_held, events.held_lost, events.announced):
            log.info(f"connected to the broker at {where}")
            self.connection_count += 1
            self._link = link
            self._ready.set()
            events.connected()
            await link.watch()

    async def publish(self, message_id: str, request: OcrRequest) -> None:
        """Put an image into the queue; returns once the broker has confirmed it.

        Raises Refusal QUEUE_FULL, or UNAVAILABLE: then it is not known whether the broker has the image, and an answer
        to it may still come.
        """
        body, headers, content_type = encode_request(request, self._settings.body)
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                link = await self._can_publish()
                await link.publisher.publish(message_id, body, headers, content_type)
        except exceptions.PublishError as error:  # returned as unroutable: the queue has been deleted
            if self._link is not None:
                self._link.lose()
            raise Refusal(ErrorCode.UNAVAILABLE) from error
        except exceptions.DeliveryError as error:
            raise Refusal(ErrorCode.QUEUE_FULL) from error
        except Exception as error:  # of every kind, as above; whatever it is, the image is not confirmed
            raise Refusal(ErrorCode.UNAVAILABLE) from error

    async def _can_publish(self) -> Link:
        """Wait for the broker and the end of an alarm: what is sent into one is read when nobody waits any more."""
        await self._ready.wait()
        assert self._link is not None
        link = self._link
        await link.publisher.ready()
        return link

    # Answers

    def acknowledge(self, delivery: BrokerDelivery) -> None:
        """The client has this answer, or nobody wants it."""
        delivery.acknowledge()

    def give_back(self, delivery: BrokerDelivery) -> None:
        """This answer of a client that has just gone stays in its held queue."""
        self._giving_back.start(self._give_back(delivery))

    async def _give_back(self, delivery: BrokerDelivery) -> None:
        # While its consumer is there it would come again at once.
        await self.stop_held(delivery.answer.client_uuid)
        delivery.give_back()

    async def hold(self, answer: OcrAnswer, *, is_pending_said: bool) -> float:
        """Keep a copy of an answer in its client's held queue; returns once it is confirmed. Raises NotHeld.

        Returns the seconds until the copy is safe, and the answer may be acknowledged.
        """
        try:
            # The exchanges with the broker have limits of their own; waiting for one's turn has none.
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                link = await self._can_publish()
            return await or_lost(link.held.hold(answer, is_pending_said=is_pending_said))
        except Exception as error:  # of every kind, as above
            raise NotHeld(f"{type(error).__name__}: {error}".rstrip(": ")) from error

    async def consume_held(self, client_uuid: str, most: int) -> bool:
        """Take the held answers of a client from now on; False when that fails and is to be tried again.

        most: how many it may owe a Received for.
        When the connection is lost, `Events.connected` asks for it anew.
        """
        link = self._link
        if link is None:
            return True
        try:
            await or_lost(link.held.consume(client_uuid, most))
        except Exception as error:  # noqa: BLE001 - of every kind, as above
            log.warning(f"held.{client_uuid} cannot be consumed yet ({error!r}); trying again")
            return link.lost.is_set()
        return True

    async def stop_held(self, client_uuid: str) -> None:
        """Take the held answers of a client no more."""
        link = self._link
        if link is None:
            return
        try:
            await or_lost(link.held.stop(client_uuid))
        except Exception as error:  # noqa: BLE001 - of every kind, as above
            log.debug(f"a consumer ends with its channel: {error!r}")

    async def is_consumed_elsewhere(self, client_uuid: str) -> bool | None:
        """True when another gateway has a connection of this client; None when the broker cannot be asked."""
        if self._link is None:
            return None
        try:
            return await or_lost(self._link.held.is_consumed_elsewhere(client_uuid))
        except Exception as error:  # noqa: BLE001 - of every kind, as above
            log.debug(f"the broker cannot be asked for {client_uuid}: {error!r}")
            return None

    async def cancel(self, cancelled: Cancelled, until: float) -> None:
        """Have OCR servers skip images that were published until then, as far as they hear of it."""
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                link = await self._can_publish()
                await link.fanouts.cancel(cancelled, until)
        except Exception as error:  # noqa: BLE001 - best effort, and of every kind, as above
            log.info(f"the OCR servers do not hear that {cancelled.client_uuid} does not wait any more: {error!r}")

    async def stop_consuming(self) -> None:
        """Take no more answers: those that come from now on stay in the queue."""
        if self._link is not None:
            await self._link.stop_consuming()

    async def settled(self) -> None:
        """Wait until what was to be acknowledged or given back is."""
        await self._giving_back.ended()
        if self._link is not None:
            await self._link.settled()

    def _lost(self, link: Link) -> None:
        """The connections of this link have gone; in vain when there are others already."""
        if self._link is link:
            self._link = None
            self._ready.clear()


async def _on_held(events: Events, client_uuid: str, settling: Settling, message: DeliveredMessage) -> None:
    await _on_answer(events, settling, message, held_for=client_uuid)


async def _on_answer(events: Events, settling: Settling, message: DeliveredMessage, *, held_for: str = "") -> None:
    """held_for: whose held queue it comes from; "": from the result queue."""
    try:
        answer = decode_answer(message.body)
    except UndecodableMessage as error:
        correlation_id = message.header.properties.correlation_id
        facts = ids(correlation_id=correlation_id)
        # Only with the request's id is it certain that whoever had the image has answered.
        failed = in_place_of(message.body, error, events.asker(correlation_id)) if correlation_id else None
        if failed is None:
            log.error(f"an answer that cannot be decoded goes to {DEAD_LETTER_QUEUE}: {error}", extra=facts)
            settling.reject(tag_of(message))
            return
        # Nothing else would ever come for its image: its client would wait for ever, or send it again in vain.
        log.error(f"an answer that cannot be decoded is FAILED for its client: {error}", extra=facts)
        answer = failed
    if held_for and answer.client_uuid != held_for:
        # Given back it would come again at once, for ever: nobody but this client takes what is there.
        log.error(f"an answer for another client is removed from held.{held_for}")
        settling.reject(tag_of(message))
    elif isinstance(answer, OcrAnswer) and answer.request_id and not can_be_held(answer.client_uuid):
        log.error(f"an answer for a ClientUUID that is none of ours goes to {DEAD_LETTER_QUEUE}")
        settling.reject(tag_of(message))
    elif isinstance(answer, OcrProgress):
        events.progress(answer)
        settling.acknowledge(tag_of(message))
    else:
        try:
            events.deliver(BrokerDelivery(answer, message, settling, is_held=bool(held_for)))
        except Exception:  # a mistake of ours costs this answer, not those behind it
            log.exception(f"an answer could not be handed over and goes to {DEAD_LETTER_QUEUE}")
            settling.reject(tag_of(message))
