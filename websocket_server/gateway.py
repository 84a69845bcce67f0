"""The WebSocket server: frames in, messages out, health pages, the stop. Decisions are made in `session`."""

import asyncio
import contextlib
import functools
import http
import logging
import ssl
from typing import Final, Protocol, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.http11 import Response as HttpResponse

from protocol.bodies import OcrAnswer, OcrRequest
from protocol.errors import Refusal
from protocol.messages import frame_limit
from settings.event_log import ids
from settings.schema import GatewayWebSocket

from .connection import Connection, IdleTimer, Transport
from .registry import Registry
from .session import Greet, Publish, Send, Session

log = logging.getLogger("WebSocket server")

PING_INTERVAL: Final = 20.0
GOODBYE_TIMEOUT: Final = 2.0
"""Seconds that clients have for their side of the closing handshake when the gateway stops."""

FRAMES_READ_AHEAD: Final = 2  # each may be as large as `max_size`


class BrokerPort(Protocol):
    """What the gateway needs of the broker."""

    @property
    def is_ready(self) -> bool:
        """True while the broker is reached."""

    async def publish(self, message_id: str, request: OcrRequest) -> None:
        """Put an image into the queue. Raises Refusal."""


class Gateway:
    """Serves clients between `start` and `drain`. tls: None serves without."""

    def __init__(self, settings: GatewayWebSocket, broker: BrokerPort, tls: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._broker = broker
        self._tls = tls
        self._server: Server | None = None
        self._publishes: set[asyncio.Task[None]] = set()
        self.is_draining = False
        self.registry: Registry[Connection] = Registry()

    async def start(self) -> int:
        """Listen; returns the port, which the system chooses when the setting is 0. Raises OSError."""
        settings = self._settings
        self._server = await serve(
            self._handle,
            settings.host,
            settings.port,
            # Any callable that makes a connection will do, although only classes are declared.
            create_connection=cast("type[ServerConnection]", functools.partial(Transport, settings.max_image_bytes)),
            process_request=self._health,
            compression=None,
            max_size=2 * frame_limit(settings.max_image_bytes),
            max_queue=FRAMES_READ_AHEAD,
            # A client held back at max_in_flight may have its pong stuck behind images that we do not read yet,
            # so pings only keep the line open and find broken ones; TCP's keepalive finds peers that are silent.
            ping_interval=PING_INTERVAL,
            ping_timeout=None,
            ssl=self._tls,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def drain(self, grace: float) -> None:
        """Stop listening, answer what is in hand within `grace` seconds, then close all connections with 1001."""
        if self._server is None:
            return
        self.is_draining = True
        self._server.close(close_connections=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await asyncio.gather(*(self._leave(one) for one in list(self.registry.connections)))
        await asyncio.gather(*(_say_goodbye(one) for one in list(self.registry.connections)))
        await self._server.wait_closed()

    async def _leave(self, connection: Connection) -> None:
        await connection.room(1)
        await _say_goodbye(connection)

    def deliver(self, correlation_id: str | None, answer: OcrAnswer) -> None:
        """Hand an answer to its client; one that nobody waits for is counted and dropped."""
        connection = self.registry.find(answer.client_uuid)
        sends = connection.session.answered(correlation_id, answer) if connection else []
        if connection and sends:
            self.registry.counts.answered += 1
            connection.post(sends)
            return
        self.registry.counts.dropped += 1
        why = "for which nothing is outstanding" if connection else "for a client that has gone"
        log.info(
            f"an answer {why} is dropped: {answer.image_file_name}, {answer.client_uuid}",
            extra=ids(client_uuid=answer.client_uuid, image_file_name=answer.image_file_name),
        )

    def _health(self, transport: ServerConnection, request: Request) -> HttpResponse | None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            return transport.respond(http.HTTPStatus.OK, "alive\n")
        if path == "/readyz":
            if self._broker.is_ready and not self.is_draining:
                return transport.respond(http.HTTPStatus.OK, "ready\n")
            why = "the gateway is stopping" if self.is_draining else "the broker is not reached"
            return transport.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {why}\n")
        return None

    async def _handle(self, transport: ServerConnection) -> None:
        assert isinstance(transport, Transport)
        refused = self._refused(transport)
        if refused:
            log.warning(f"connection refused: {refused[1]}")
            await transport.close(*refused)
            return
        transport.find_dead_peers()
        connection = Connection(transport, Session(self._settings.max_image_bytes))
        self.registry.add(connection)
        idle = IdleTimer(connection, self._settings.idle_timeout)
        try:
            await self._read(connection)
        except ConnectionClosed:
            pass  # told below, with the reason
        except Exception:  # a mistake of ours ends this connection, and no other
            log.exception("a connection failed", extra=connection.ids())
            await transport.close(CloseCode.INTERNAL_ERROR, "a mistake of the gateway's; its log tells more")
        finally:
            idle.cancel()
            self.registry.remove(connection, connection.session.client_uuid)
            who = connection.session.client_uuid or "one without a hello"
            code, reason = transport.told
            log.info(f"client gone: {who} ({f'{code} {reason}'.strip()})", extra=connection.ids(close_code=code))

    def _refused(self, transport: Transport) -> tuple[int, str] | None:
        settings = self._settings
        if len(self.registry.connections) >= settings.max_connections:
            reason = f"try again later: all {settings.max_connections} connections are in use"
            return CloseCode.TRY_AGAIN_LATER, reason
        # Only pages in a browser send an origin; a program could send any, so its absence is no reason.
        origin = transport.request.headers.get("Origin") if transport.request else None
        if settings.origins and origin is not None and origin not in settings.origins:
            return CloseCode.POLICY_VIOLATION, "not allowed: pages of this origin may not connect"
        return None

    async def _read(self, connection: Connection) -> None:
        while True:
            await connection.room(self._settings.max_in_flight)
            frame = await connection.transport.recv(decode=False)
            self._act(connection, connection.session.receive(frame, is_draining=self.is_draining))

    def _act(self, connection: Connection, action: Greet | Publish | Send) -> None:
        uuid = connection.session.client_uuid
        if isinstance(action, Greet):
            self.registry.greet(uuid, connection)
            log.info(f"client accepted: {action.client_name}, {uuid}", extra=connection.ids())
            connection.post([action])
        elif isinstance(action, Publish):
            name, size = action.request.image_file_name, len(action.request.image)
            facts = connection.ids(image_file_name=name, message_id=action.message_id)
            log.info(f"image received: {name} ({size} bytes) from {uuid}", extra=facts)
            # Not awaited here: a client that sends several at once has them confirmed together.
            task = asyncio.create_task(self._publish(connection, action))
            self._publishes.add(task)
            task.add_done_callback(self._publishes.discard)
        else:
            name = action.message.image_file_name
            what, who = name or "a message", uuid or "a client before its hello"
            log.warning(
                f"refused: {what} from {who}: {action.message.ocr_result}", extra=connection.ids(image_file_name=name)
            )
            connection.post([action])

    async def _publish(self, connection: Connection, publish: Publish) -> None:
        session, name = connection.session, publish.request.image_file_name
        facts = connection.ids(image_file_name=name, message_id=publish.message_id)
        try:
            await self._broker.publish(publish.message_id, publish.request)
        except Refusal as refusal:
            why = f"{refusal} ({refusal.__cause__!r})" if refusal.__cause__ else f"{refusal}"
            log.warning(f"image refused: {name} from {session.client_uuid}: {why}", extra=facts)
            connection.post(session.not_published(publish.message_id, refusal))
        else:
            self.registry.counts.accepted += 1
            log.info(f"image queued: {name} from {session.client_uuid}", extra=facts)
            connection.post(session.published(publish.message_id))


async def _say_goodbye(connection: Connection) -> None:
    try:
        async with asyncio.timeout(GOODBYE_TIMEOUT):
            await connection.transport.close(CloseCode.GOING_AWAY, "the gateway is going away")
    except TimeoutError:
        connection.transport.transport.abort()  # it does not say goodbye in return
