"""[RabbitMQ] tls = yes: both servers reach the broker through TLS, and only one whose certificate is good."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.faults.container_broker import Broker
from tests.faults.peer import Peer
from tests.running import START_SECONDS, Services


@contextlib.contextmanager
def tls_in_front_of(port: int, certificate: trustme.LeafCert) -> Iterator[int]:
    """A port of 127.0.0.1 that speaks TLS and forwards what is in it to `port`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    loop, started, found = asyncio.new_event_loop(), threading.Event(), list[int]()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plain_reader, plain_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, plain_writer), pump(plain_reader, writer))

    async def serve() -> None:
        async with await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context) as server:
            found.append(server.sockets[0].getsockname()[1])
            started.set()
            with contextlib.suppress(asyncio.CancelledError):
                await server.serve_forever()

    def run() -> None:
        # A peer that refuses our certificate is no error of this test's.
        loop.set_exception_handler(lambda *_: None)
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serve())
        loop.run_until_complete(_end_all(loop))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(START_SECONDS)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(_cancel_all, loop)
        thread.join(START_SECONDS)
        assert not thread.is_alive()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


async def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """The one authority that the services trust, as an operator has them trust his own."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


@pytest.mark.usefixtures("tesseract")
def test_images_are_read_through_tls(services: Services, broker: Broker, authority: trustme.CA) -> None:
    with tls_in_front_of(broker.port, authority.issue_cert("127.0.0.1")) as port:
        settings = (f"RabbitMQ.port={port}", "RabbitMQ.tls=yes")
        gateway = services.gateway(*settings)
        services.ocr_server(*settings)
        with Peer("behind TLS") as peer:
            peer.connect(gateway.port)
            peer.ask("hello")
            peer.wait_answered()
            peer.close()
        services.stop()


@pytest.mark.parametrize("wrong", ["another authority", "another name"])
def test_a_broker_with_a_wrong_certificate_is_told_no_password(
    services: Services, broker: Broker, authority: trustme.CA, wrong: str
) -> None:
    strangers = trustme.CA().issue_cert("127.0.0.1")
    certificate = strangers if wrong == "another authority" else authority.issue_cert("broker.example")
    with tls_in_front_of(broker.port, certificate) as port:
        settings = (f"RabbitMQ.port={port}", "RabbitMQ.tls=yes")
        for service in (services.gateway(*settings, ready=False), services.ocr_server(*settings, ready=False)):
            service.wait_for_output("CERTIFICATE_VERIFY_FAILED")
        services.stop()
