"""Receives clients: their hellos, what each may do, which client a connection is. Decisions are made in `door`."""

import functools
import logging
import math
import time
from collections.abc import Callable

from protocol import messages_v2 as v2
from protocol.codecs_v2 import CODECS
from protocol.errors import ErrorCode, Refusal
from settings.schema import GatewayWebSocket

from .actions import Action, Close, Enter, Greet, Publish, Send
from .close_codes import NO_TOKEN, NOT_ALLOWED, REPLACED, RETRY_AFTER, TRY_AGAIN_LATER, try_again_later
from .connection import Connection
from .dispatch import Dispatch
from .door import Door, Entry
from .memory import Memory
from .outstanding import Outstanding
from .rate_limit import RateLimit
from .registry import Client, Registry
from .session import Session
from .session_v2 import Limits, SessionV2
from .tokens import Grant, bearer
from .transport import Transport

log = logging.getLogger("WebSocket server")


class Reception:
    """One for each gateway."""

    def __init__(
        self,
        settings: GatewayWebSocket,
        dispatch: Dispatch,
        registry: Registry[Connection],
        door: Door,
        memory: Memory,
    ) -> None:
        self._settings = settings
        self._dispatch = dispatch
        self._registry = registry
        self._door = door
        self._memory = memory
        self._rates: dict[Grant, RateLimit] = {}  # of tokens; one whose limits have changed begins anew

    def connection(self, transport: Transport, on_message: Callable[[Connection, bytes], None]) -> Connection:
        """A new connection, with the session of the version that was negotiated. on_message: as `Connection` has it."""
        token = bearer(transport.request.headers.get("Authorization") if transport.request else None)
        codec = CODECS.get(transport.subprotocol or "")
        if codec is not None:
            return Connection(
                transport,
                SessionV2(codec, self._settings.max_image_bytes),
                on_message,
                self._settings.max_in_flight,
                token,
            )
        # v1: its one client is known from the hello on.
        found: list[Connection] = []

        def admit(token_in_hello: str) -> None:
            grant = self._door.grant(token_in_hello or token)
            self._check_connections(grant)
            found[0].grant = grant
            found[0].max_in_flight = self.max_in_flight(grant)

        def may_take(size: int) -> None:
            client = found[0].client
            assert client is not None
            self._may_take(client, size)

        session = Session(self._settings.max_image_bytes, admit, may_take)
        found.append(Connection(transport, session, on_message, self._settings.max_in_flight, token))
        return found[0]

    def gone(self, connection: Connection) -> None:
        """A connection has ended."""
        client = connection.client
        if client is not None and client.connection is connection:
            self._dispatch.detach(client, connection)

    def act(self, connection: Connection, action: Action) -> None:
        """Do what a frame of this connection leads to."""
        if isinstance(action, Greet):
            self._greet(connection, action)
        elif isinstance(action, Enter):
            self._enter(connection, action.hello)
        elif isinstance(action, Close):
            connection.close(action.code, action.reason)
        else:
            if isinstance(action, Publish):
                _log_received(connection, action)
            self._dispatch.act(connection.client, connection, [action])

    def _greet(self, connection: Connection, greet: Greet) -> None:
        session = connection.session
        assert isinstance(session, Session)
        client = Client(session.client_uuid, session, connection, connection.grant, self._rate(connection.grant))
        connection.client = client
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
                connection.close(NOT_ALLOWED, NO_TOKEN)
            elif refusal.code is ErrorCode.TOO_MANY_IN_FLIGHT:
                connection.close(TRY_AGAIN_LATER, try_again_later(refusal.detail))
            return
        client = self._registry.find(entry.client_uuid)
        if client is None:
            if entry.is_resumed:
                # Of another gateway, or of this one before it was started anew: what it waits for is not known here.
                connection.waits_until = connection.transport.loop.time() + self._settings.resume_window
            requests, rate = Outstanding(entry.client_uuid, self.max_in_flight(entry.grant)), self._rate(entry.grant)
            client = Client(entry.client_uuid, requests, None, entry.grant, rate)
        assert isinstance(client.requests, Outstanding)
        self._replace(client)
        client.takes_held = client.takes_held or entry.is_resumed
        client.max_in_flight = connection.max_in_flight = self.max_in_flight(entry.grant)
        client.grant = connection.grant = entry.grant
        connection.client = client
        if entry.grant.name:
            client.rate = self._rate(entry.grant)  # the token's limits may have changed since
        limits = Limits(
            self._settings.max_image_bytes,
            self.max_in_flight(entry.grant),
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
            older.is_replaced = True  # what it has still said is not acted on: its answers would go nowhere
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
            v2.whole(self._settings.idle_timeout),
            v2.whole(self._settings.resume_window),
            announced.languages(now),
            announced.outputs(now),
        )

    def max_in_flight(self, grant: Grant) -> int:
        """How many images of a client may be in flight."""
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
                retry_after=RETRY_AFTER,
            )

    def _may_take(self, client: Client[Connection], size: int) -> None:
        self._memory.check(size)
        wait = client.rate.take(time.monotonic())
        if wait:
            raise Refusal(
                ErrorCode.RATE_LIMITED, f"The next image may come in {wait:.1f} s.", retry_after=math.ceil(wait)
            )


def _log_received(connection: Connection, publish: Publish) -> None:
    request, uuid = publish.request, connection.session.client_uuid
    more = {"request_id": request.request_id} if request.request_id else {}
    log.info(
        f"image received: {request.image_file_name} ({len(request.image)} bytes) from {uuid}",
        extra=connection.ids(image_file_name=request.image_file_name, message_id=publish.message_id, **more),
    )
