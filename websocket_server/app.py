"""The gateway as a whole: what is wired to what, and the order in which it starts and stops."""

import asyncio
import contextlib
import logging
import signal
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from settings.loader import SettingsError
from settings.schema import GatewaySettings

from .absence import Absence
from .broker import Broker
from .dispatch import Dispatch
from .door import Door
from .gateway import Gateway
from .memory import Memory
from .metrics import Metrics
from .reception import Reception
from .registry import Registry
from .resume_key import ResumeKeys, secret_from
from .tokens import TokensFile

if TYPE_CHECKING:
    from .connection import Connection

log = logging.getLogger("WebSocket server")

CANCEL_AGAIN: Final = 1.0  # seconds
HOLD_GRACE: Final = 5.0
"""Seconds for moving to held queues what clients have not said Received for; the rest goes back to the queue."""


class PortTaken(Exception):
    """The address cannot be listened on; the message names it."""


def tls_context(settings: GatewaySettings) -> ssl.SSLContext | None:
    """The context for the certificate of the settings; None when there is none. Raises SettingsError."""
    certificate, key = settings.websocket.tls_certificate, settings.websocket.tls_key
    if not certificate and not key:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key or None, password=lambda: "")  # never ask on the terminal
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"[WebSocket] tls_certificate = {certificate}, tls_key = {key}: not a PEM certificate and its key: {error}."
        ) from error
    return context


async def run(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order; a second signal ends at once.

    Raises SettingsError, PortTaken, QueuesDiffer.
    """
    stop = _stop_signals()  # first: making the resume keys' secret takes part of a second
    tls = tls_context(settings)
    door = _door(settings)
    registry: Registry[Connection] = Registry()
    metrics, memory = Metrics(), Memory(settings.websocket.max_buffered_bytes)
    broker = Broker(settings.rabbitmq, settings.websocket.resume_window)
    dispatch = Dispatch(registry, metrics, memory, broker)
    reception = Reception(settings.websocket, dispatch, registry, door, memory)
    gateway = Gateway(settings.websocket, reception, dispatch, registry, memory, metrics, tls)
    metrics.watch(
        connections=lambda: len(registry.connections),
        clients=lambda: len(registry.clients),
        in_flight=lambda: sum(one.requests.in_flight for one in registry.clients.values()),
        held_deliveries=lambda: dispatch.unreceived,
        buffered_bytes=lambda: memory.used,
        broker_ready=lambda: broker.is_ready,
    )

    address = settings.websocket.host
    try:
        port = await gateway.start()
    except OSError as error:
        raise PortTaken(
            f"[WebSocket] host = {address}, port = {settings.websocket.port}: cannot listen there "
            f"({error.strerror or error}). Stop what uses it or set another port."
        ) from error
    connecting = asyncio.create_task(broker.run(dispatch))
    absence = Absence(settings.websocket.resume_window, registry, dispatch, broker)
    looking_after = asyncio.create_task(absence.look_after())
    log.info(f"started, listening on {url('wss' if tls else 'ws', address, port)}")
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((connecting, looking_after, stopping), return_when=asyncio.FIRST_COMPLETED)

    log.info("stopping: no new connections; answering what is in hand")
    stopping.cancel()
    await gateway.drain(0 if connecting.done() else settings.websocket.shutdown_grace)
    # Answers that come from now on stay in the queue; those that are here go to their clients' held queues.
    await broker.stop_consuming()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HOLD_GRACE):
            await dispatch.finish()
    await _end(looking_after)
    await _end(connecting)
    counts = registry.counts
    log.info(f"stopped: {counts.accepted} accepted, {counts.answered} answered, {counts.dropped} answers dropped")


def _door(settings: GatewaySettings) -> Door:
    secret, warning = secret_from(settings.auth, settings.rabbitmq)
    if warning:
        log.warning(warning)
    tokens_file = settings.auth.tokens_file
    return Door(ResumeKeys(secret), TokensFile(Path(tokens_file)).find if tokens_file else None)


async def _end(task: asyncio.Task[None]) -> None:
    """End a task; what ended it before, if anything did, is raised."""
    while not task.done():
        # More than once: a library that is connecting may swallow a cancellation.
        task.cancel()
        await asyncio.wait((task,), timeout=CANCEL_AGAIN)
    if not task.cancelled():
        task.result()


def _stop_signals() -> asyncio.Event:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def first() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # the system's own way with a second one: the end
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first)
    return stop


def url(scheme: str, host: str, port: int) -> str:
    """Where we listen; an IPv6 address has brackets in a URL."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
