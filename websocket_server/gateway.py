"""The WebSocket server: frames in, messages out, health pages, the stop. Decisions are made in `session`."""

import asyncio
import contextlib
import functools
import http
import logging
import ssl
import time
from collections.abc import Sequence
from typing import Final, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.http11 import Response as HttpResponse
from websockets.typing import Subprotocol

from protocol import messages_v2 as v2
from protocol.errors import ErrorCode, Refusal
from protocol.messages import frame_limit
from settings.schema import GatewayWebSocket

from .actions import Close, Enter, Greet, Publish, Send
from .connection import Connection, IdleTimer, Transport
from .dispatch import Dispatch
from .door import Door, Entry
from .memory import Memory
from .metrics import Metrics
from .outstanding import Outstanding
from .rate_limit import RateLimit
from .registry import Client, Registry
from .session import Session
from .session_v2 import Limits, SessionV2
from .tokens import Grant, bearer

log = logging.getLogger("WebSocket server")

PING_INTERVAL: Final = 20.0
GOODBYE_TIMEOUT: Final = 2.0
"""Seconds that clients have for their side of the closing handshake when the gateway stops."""

LAST_RECEIVED_TIMEOUT: Final = 1.0
"""Seconds that clients have to say Received for their last answers when the gateway stops."""

FRAMES_READ_AHEAD: Final = 2  # each may be as large as `max_size`
FULL_RETRY_AFTER: Final = 5
"""Seconds after which a client that found no room is asked to come again."""

REPLACED: Final = 4001


class Gateway:
    """Serves clients between `start` and `drain`. tls: None serves without."""

    def __init__(
        self,
        settings: GatewayWebSocket,
        dispatch: Dispatch,
        registry: Registry[Connection],
        door: Door,
        memory: Memory,
        metrics: Metrics,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._settings = settings
        self._dispatch = dispatch
        self._registry = registry
        self._door = door
        self._memory = memory
        self._metrics = metrics
        self._tls = tls
        self._rates: dict[Grant, RateLimit] = {}  # of tokens; one whose limits have changed begins anew
        self._server: Server | None = None
        self.is_draining = False

    async def start(self) -> int:
        """Listen; returns the port, which the system chooses when the setting is 0. Raises OSError."""
        settings = self._settings
        self._server = await serve(
            self._handle,
            settings.host,
            settings.port,
            # Any callable that makes a connection will do, although only classes are declared.
            create_connection=cast(
                "type[ServerConnection]", functools.partial(Transport, settings.max_image_bytes, self._memory)
            ),
            process_request=self._pages,
            # Not `subprotocols`: that answers 400 to a client that offers none, and v1 offers none.
            select_subprotocol=_select,
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
                await asyncio.gather(*(self._leave(one) for one in list(self._registry.connections)))
        await asyncio.gather(*(_say_goodbye(one) for one in list(self._registry.connections)))
        await self._server.wait_closed()

    async def _leave(self, connection: Connection) -> None:
        await connection.wait_until(lambda: not connection.under_way)
        with contextlib.suppress(TimeoutError):  # it gets them again, from its held queue
            async with asyncio.timeout(LAST_RECEIVED_TIMEOUT):
                await connection.wait_until(lambda: not connection.unreceived)
        await _say_goodbye(connection)

    def _pages(self, transport: ServerConnection, request: Request) -> HttpResponse | None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            return transport.respond(http.HTTPStatus.OK, "alive\n")
        if path == "/readyz":
            if self._dispatch.broker.is_ready and not self.is_draining:
                return transport.respond(http.HTTPStatus.OK, "ready\n")
            why = "the gateway is stopping" if self.is_draining else "the broker is not reached"
            return transport.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {why}\n")
        if path == "/metrics":
            body, content_type = self._metrics.page()
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
        connection = self._connection(transport)
        self._registry.connections.add(connection)
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
            self._gone(connection)
            who = connection.session.client_uuid or "one without a hello"
            code, reason = transport.told
            log.info(f"client gone: {who} ({f'{code} {reason}'.strip()})", extra=connection.ids(close_code=code))

    def _connection(self, transport: Transport) -> Connection:
        token = bearer(transport.request.headers.get("Authorization") if transport.request else None)
        codec = v2.CODECS.get(transport.subprotocol or "")
        if codec is not None:
            return Connection(transport, SessionV2(codec, self._settings.max_image_bytes), token)
        # v1: its one client is known from the hello on.
        found: list[Connection] = []

        def admit(token_in_hello: str) -> None:
            grant = self._door.grant(token_in_hello or token)
            self._check_connections(grant)
            found[0].grant = grant

        def may_take(size: int) -> None:
            client = self._registry.find(found[0].session.client_uuid)
            assert client is not None
            self._may_take(client, size)

        found.append(Connection(transport, Session(self._settings.max_image_bytes, admit, may_take), token))
        return found[0]

    def _gone(self, connection: Connection) -> None:
        self._registry.connections.discard(connection)
        client = self._registry.find(connection.session.client_uuid)
        if client is not None and client.connection is connection:
            self._dispatch.detach(client, connection)

    def _refused(self, transport: Transport) -> tuple[int, str] | None:
        settings = self._settings
        if len(self._registry.connections) >= settings.max_connections:
            reason = f"try again later: all {settings.max_connections} connections are in use"
            return CloseCode.TRY_AGAIN_LATER, f"{reason}; RetryAfter={FULL_RETRY_AFTER}"
        if self._memory.is_exhausted:
            return CloseCode.TRY_AGAIN_LATER, f"try again later: no memory; RetryAfter={FULL_RETRY_AFTER}"
        # Only pages in a browser send an origin; a program could send any, so its absence is no reason.
        origin = transport.request.headers.get("Origin") if transport.request else None
        if settings.origins and origin is not None and origin not in settings.origins:
            return CloseCode.POLICY_VIOLATION, "not allowed: pages of this origin may not connect"
        return None

    async def _read(self, connection: Connection) -> None:
        session = connection.session
        while True:
            await connection.room(self._max_in_flight(connection.grant))
            frame = await connection.transport.recv(decode=False)
            connection.transport.read(len(frame))
            if isinstance(session, SessionV2):
                count = self._dispatch.broker.connection_count
                actions = session.receive(frame, broker_connection=count, is_draining=self.is_draining)
            else:
                actions = session.receive(frame, is_draining=self.is_draining)
            for action in actions:
                if isinstance(action, Greet):
                    self._greet(connection, action)
                elif isinstance(action, Enter):
                    self._enter(connection, action.hello)
                elif isinstance(action, Close):
                    connection.close(action.code, action.reason)
                else:
                    if isinstance(action, Publish):
                        _log_received(connection, action)
                    client = self._registry.find(session.client_uuid)
                    self._dispatch.act(client, connection, [action])
            connection.transport.changed.set()

    def _greet(self, connection: Connection, greet: Greet) -> None:
        session = connection.session
        assert isinstance(session, Session)
        client = Client(session.client_uuid, session, connection, connection.grant, self._rate(connection.grant))
        self._registry.come(client)
        log.info(f"client accepted: {greet.client_name}, {client.client_uuid}", extra=connection.ids())
        connection.post([Send(greet.message)])

    def _enter(self, connection: Connection, hello: v2.Hello) -> None:
        try:
            entry = self._door.enter(hello, connection.bearer)
            self._check_connections(entry.grant, besides=entry.client_uuid)  # which it replaces
        except Refusal as refusal:
            self._dispatch.act(None, connection, [Send(v2.refusal(refusal), code=refusal.code)])
            if refusal.code is ErrorCode.NOT_ALLOWED:
                connection.close(CloseCode.POLICY_VIOLATION, "not allowed: no token, or one that is not known here")
            elif refusal.code is ErrorCode.TOO_MANY_IN_FLIGHT:
                reason = f"try again later: {refusal.detail}; RetryAfter={FULL_RETRY_AFTER}"
                connection.close(CloseCode.TRY_AGAIN_LATER, reason)
            return
        client = self._registry.find(entry.client_uuid)
        if client is None:
            requests, rate = Outstanding(entry.client_uuid), self._rate(entry.grant)
            client = Client(entry.client_uuid, requests, None, entry.grant, rate)
        assert isinstance(client.requests, Outstanding)
        self._replace(client)
        client.takes_held = client.takes_held or entry.is_resumed
        client.grant = connection.grant = entry.grant
        limits = Limits(
            self._settings.max_image_bytes,
            self._max_in_flight(entry.grant),
            functools.partial(self._may_take, client),
        )
        session = connection.session
        assert isinstance(session, SessionV2)
        session.welcomed(client.requests, limits)
        what = "client resumed" if entry.is_resumed else "client accepted"
        log.info(f"{what}: {hello.client_name}, {entry.client_uuid}", extra=connection.ids())
        connection.post([Send(self._welcome(entry, limits))])
        self._dispatch.attach(client, connection)

    def _replace(self, client: Client[Connection]) -> None:
        """A newer connection of the same client: the older one may be half dead, and is not waited for."""
        older, client.connection = client.connection, None
        if older is not None:
            assert isinstance(client.requests, Outstanding)
            client.requests.replaced(older.unsent)
            older.close(REPLACED, "replaced by a newer connection with the same ClientUUID")

    def _welcome(self, entry: Entry, limits: Limits) -> v2.Welcome:
        now, announced = time.monotonic(), self._dispatch.announced_servers
        return v2.Welcome(
            entry.client_uuid,
            entry.resume_key,
            entry.is_resumed,
            limits.max_image_bytes,
            limits.max_in_flight,
            self._settings.idle_timeout,
            self._settings.resume_window,
            announced.languages(now),
            announced.outputs(now),
        )

    # What clients may do

    def _max_in_flight(self, grant: Grant) -> int:
        return grant.max_in_flight or self._settings.max_in_flight

    def _rate(self, grant: Grant) -> RateLimit:
        """Of a token, whoever holds it; else of the client alone."""
        per_minute = grant.images_per_minute or self._settings.images_per_minute
        if not grant.name:
            return RateLimit(per_minute)
        return self._rates.setdefault(grant, RateLimit(per_minute))

    def _check_connections(self, grant: Grant, besides: str = "") -> None:
        most = grant.max_connections
        if most is not None and self._registry.connections_of(grant, besides) >= most:
            raise Refusal(
                ErrorCode.TOO_MANY_IN_FLIGHT,
                f"all {most} connections of this token are in use",
                retry_after=FULL_RETRY_AFTER,
            )

    def _may_take(self, client: Client[Connection], size: int) -> None:
        self._memory.check(size)
        wait = client.rate.take(time.monotonic())
        if wait:
            raise Refusal(ErrorCode.RATE_LIMITED, f"The next image may come in {wait:.1f} s.", retry_after=wait)


def _select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The codec that we prefer of those offered; None, which is v1, when none is."""
    return next((Subprotocol(one) for one in v2.CODECS if one in offered), None)


def _log_received(connection: Connection, publish: Publish) -> None:
    request, uuid = publish.request, connection.session.client_uuid
    more = {"request_id": request.request_id} if request.request_id else {}
    log.info(
        f"image received: {request.image_file_name} ({len(request.image)} bytes) from {uuid}",
        extra=connection.ids(image_file_name=request.image_file_name, message_id=publish.message_id, **more),
    )


async def _say_goodbye(connection: Connection) -> None:
    try:
        async with asyncio.timeout(GOODBYE_TIMEOUT):
            await connection.transport.close(CloseCode.GOING_AWAY, "the gateway is going away")
    except TimeoutError:
        connection.transport.transport.abort()  # it does not say goodbye in return
