"""The gateway as a whole: what is wired to what, and the order in which it starts and stops."""

import asyncio
import contextlib
import logging
import signal
import ssl

from settings.loader import SettingsError
from settings.schema import GatewaySettings

from .broker import Broker
from .gateway import Gateway

log = logging.getLogger("WebSocket server")


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


def check(settings: GatewaySettings) -> None:
    """Refuse what this release would have to leave undone. Raises SettingsError."""
    if settings.auth.tokens_file:
        raise SettingsError(
            f"[Auth] tokens_file = {settings.auth.tokens_file}: this release does not check tokens, and a gateway that "
            "took no notice of them would be open. Leave it empty and let only those connect who may."
        )


async def run(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order; a second signal ends at once.

    Raises SettingsError, PortTaken, QueuesDiffer.
    """
    check(settings)
    tls = tls_context(settings)
    stop = _stop_signals()
    # The two know each other only by these: the gateway publishes, the broker delivers.
    broker = Broker(settings.rabbitmq, lambda correlation_id, answer: gateway.deliver(correlation_id, answer))
    gateway = Gateway(settings.websocket, broker, tls)

    address = settings.websocket.host
    try:
        port = await gateway.start()
    except OSError as error:
        raise PortTaken(
            f"[WebSocket] host = {address}, port = {settings.websocket.port}: cannot listen there "
            f"({error.strerror or error}). Stop what uses it or set another port."
        ) from error
    connecting = asyncio.create_task(broker.run())
    log.info(f"started, listening on {'wss' if tls else 'ws'}://{address}:{port}")
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((connecting, stopping), return_when=asyncio.FIRST_COMPLETED)

    log.info("stopping: no new connections; answering what is in hand")
    stopping.cancel()
    await gateway.drain(0 if connecting.done() else settings.websocket.shutdown_grace)
    await _end(connecting)
    counts = gateway.registry.counts
    log.info(f"stopped: {counts.accepted} accepted, {counts.answered} answered, {counts.dropped} answers dropped")


async def _end(connecting: asyncio.Task[None]) -> None:
    """Close the connections to the broker; what ended them before, if anything did, is raised."""
    connecting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await connecting


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
