"""The WebSocket server: frames in, messages out, health pages, the stop. Decisions are made in `session`."""

import asyncio
import contextlib
import functools
import http
import logging
import ssl
from collections.abc import Sequence
from typing import Final, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.http11 import Response as HttpResponse
from websockets.typing import Subprotocol

from protocol.codecs_v2 import CODECS
from protocol.messages import frame_limit
from settings.schema import GatewayWebSocket

from .close_codes import NOT_ALLOWED, TRY_AGAIN_LATER, try_again_later
from .connection import Connection
from .dispatch import Dispatch
from .handshakes import Handshakes
from .memory import Memory
from .metrics import Metrics
from .reception import Reception
from .registry import Registry
from .session_v2 import SessionV2
from .transport import Transport
from .watch import Watch

log = logging.getLogger("WebSocket server")

GOODBYE_TIMEOUT: Final = 2.0
"""Seconds that clients have for their side of the closing handshake when the gateway stops."""

LAST_RECEIVED_TIMEOUT: Final = 1.0
"""Seconds that clients have to say Received for their last answers when the gateway stops."""

TLS_HANDSHAKE_TIMEOUT: Final = 10.0
BACKLOG: Final = 2048
"""Connections that wait to be accepted: when a gateway is back, all its clients come at once, and whoever finds no room
tries again after a second, then three."""


class Gateway:
    """Serves clients between `start` and `drain`. tls: None serves without."""

    def __init__(
        self,
        settings: GatewayWebSocket,
        reception: Reception,
        dispatch: Dispatch,
        registry: Registry[Connection],
        memory: Memory,
        metrics: Metrics,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._settings = settings
        self._reception = reception
        self._dispatch = dispatch
        self._registry = registry
        self._memory = memory
        self._metrics = metrics
        self._tls = tls
        self._handshakes = Handshakes()
        self._server: Server | None = None
        self._watch: Watch
        self.is_draining = False

    async def start(self) -> int:
        """Listen; returns the port, which the system chooses when the setting is 0. Raises OSError."""
        settings = self._settings
        self._watch = Watch(settings.idle_timeout)
        self._server = await serve(
            self._handle,
            settings.host,
            settings.port,
            # Any callable that makes a connection will do, although only classes are declared.
            create_connection=cast(
                "type[ServerConnection]",
                functools.partial(Transport, settings.max_image_bytes, self._memory, self._handshakes),
            ),
            process_request=self._pages,
            # Not `subprotocols`: that answers 400 to a client that offers none, and v1 offers none.
            select_subprotocol=_select,
            compression=None,
            max_size=2 * frame_limit(settings.max_image_bytes),
            # A client held back at max_in_flight may have its pong stuck behind images that we do not read yet,
            # so pings only keep the line open and find broken ones; TCP's keepalive finds peers that are silent.
            # `Watch` says them: a task and a timer for each connection would be a tenth of its memory.
            ping_interval=None,
            ping_timeout=None,
            backlog=BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=TLS_HANDSHAKE_TIMEOUT if self._tls else None,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def drain(self, grace: float) -> None:
        """Stop listening, answer what is in hand within `grace` seconds, then close all connections with 1001."""
        if self._server is None:
            return
        self.is_draining = True
        self._server.close(close_connections=False)
        self._handshakes.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await asyncio.gather(*(self._leave(one) for one in list(self._registry.connections)))
        await asyncio.gather(*(_say_goodbye(one) for one in list(self._registry.connections)))
        if self._server.handler_tasks:  # asyncio's `wait_closed` waits for TLS handshakes too
            await asyncio.wait(self._server.handler_tasks, timeout=GOODBYE_TIMEOUT)
            self._handshakes.abort()
        if self._server.handler_tasks:
            await asyncio.wait(self._server.handler_tasks)

    async def _leave(self, connection: Connection) -> None:
        await connection.wait_until(lambda: not connection.under_way)
        with contextlib.suppress(TimeoutError):  # it gets them again, from its held queue
            async with asyncio.timeout(LAST_RECEIVED_TIMEOUT):
                await connection.wait_until(lambda: not connection.unreceived)
        await _say_goodbye(connection)

    async def _pages(self, transport: ServerConnection, request: Request) -> HttpResponse | None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            return transport.respond(http.HTTPStatus.OK, "alive\n")
        if path == "/readyz":
            if self._dispatch.broker.is_ready and not self.is_draining:
                return transport.respond(http.HTTPStatus.OK, "ready\n")
            why = "the gateway is stopping" if self.is_draining else "the broker is not reached"
            return transport.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {why}\n")
        if path == "/metrics":
            body, content_type = await self._metrics.page()
            response = transport.respond(http.HTTPStatus.OK, "")
            del response.headers["Content-Type"], response.headers["Content-Length"]
            response.headers["Content-Type"], response.headers["Content-Length"] = content_type, str(len(body))
            response.body = body
            return response
        return None

    async def _handle(self, transport: ServerConnection) -> None:
        assert isinstance(transport, Transport)
        refused = self._refused(transport)
        if refused:
            log.warning(f"connection refused: {refused[1]}")
            await transport.close(*refused)
            return
        transport.find_dead_peers()
        connection = self._reception.connection(transport, self._on_message)
        self._registry.connections.add(connection)
        place = self._watch.add(connection)
        try:
            transport.serve(connection)
            await transport.ended
        finally:
            self._watch.remove(place)
            self._registry.connections.discard(connection)
            connection.changed()
            self._reception.gone(connection)
            who = connection.session.client_uuid or "one without a hello"
            code, reason = transport.told
            log.info(f"client gone: {who} ({f'{code} {reason}'.strip()})", extra=connection.ids(close_code=code))

    def _refused(self, transport: Transport) -> tuple[int, str] | None:
        settings = self._settings
        if len(self._registry.connections) >= settings.max_connections:
            return TRY_AGAIN_LATER, try_again_later(f"all {settings.max_connections} connections are in use")
        if self._memory.is_exhausted:
            return TRY_AGAIN_LATER, try_again_later("no memory")
        # Only pages in a browser send an origin; a program could send any, so its absence is no reason.
        origin = transport.request.headers.get("Origin") if transport.request else None
        if settings.origins and origin is not None and origin not in settings.origins:
            return NOT_ALLOWED, "not allowed: pages of this origin may not connect"
        return None

    def _on_message(self, connection: Connection, message: bytes) -> None:
        try:
            session = connection.session
            if isinstance(session, SessionV2):
                count = self._dispatch.broker.connection_count
                actions = session.receive(message, broker_connection=count, is_draining=self.is_draining)
            else:
                actions = session.receive(message, is_draining=self.is_draining)
            for action in actions:
                self._reception.act(connection, action)
            client = connection.client
            if client is not None and client.has_put_away:
                self._dispatch.held.heard(client, connection)
        except Exception:  # a mistake of ours ends this connection, and no other
            log.exception("a connection failed", extra=connection.ids())
            connection.close(CloseCode.INTERNAL_ERROR, "a mistake of the gateway's; its log tells more")
        connection.changed()


def _select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The codec that we prefer of those offered; None, which is v1, when none is."""
    return next((Subprotocol(one) for one in CODECS if one in offered), None)


async def _say_goodbye(connection: Connection) -> None:
    try:
        async with asyncio.timeout(GOODBYE_TIMEOUT):
            await connection.transport.close(CloseCode.GOING_AWAY, "the gateway is going away")
    except TimeoutError:
        connection.transport.transport.abort()  # it does not say goodbye in return
