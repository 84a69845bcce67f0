"""wss: the gateway with a certificate, our client and a foreign one."""

import os
import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from websockets.sync.client import connect

from tests.contract.drawn_images import drawn
from tests.running import ROOT, Services


def _certificate(folder: Path) -> list[str]:
    """The settings of a gateway with a certificate of an authority whose own is written there as authority.pem."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return [f"WebSocket.tls_certificate={folder / 'certificate.pem'}", f"WebSocket.tls_key={folder / 'key.pem'}"]


def _context(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "authority.pem")


@pytest.mark.usefixtures("tesseract")
def test_images_go_through_tls_and_strangers_are_not_trusted(services: Services, tmp_path: Path) -> None:
    (tmp_path / "hello.png").write_bytes(drawn("Hello"))
    gateway = services.gateway(*_certificate(tmp_path), ready=False)
    gateway.wait_for_output("connected to the broker")
    services.ocr_server()
    url = f"wss://127.0.0.1:{gateway.port}"

    def read(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "client", str(tmp_path / "hello.png"), "--json", "--set", f"WebSocket.url={url}"],
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    ours = read(SSL_CERT_FILE=str(tmp_path / "authority.pem"))
    assert ours.returncode == 0, ours.stderr
    assert '"text": "Hello\\n"' in ours.stdout
    assert "is not trusted" in read().stderr

    with connect(url, ssl=_context(tmp_path), proxy=None) as foreign:
        foreign.send('{"ClientName": "Ada"}')
        assert "ClientUUID" in foreign.recv(20)


def test_the_health_check_of_compose_asks_a_gateway_with_a_certificate_too(services: Services, tmp_path: Path) -> None:
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    (check,) = re.findall(r"^ +- (import .*?/readyz.*?)\n +interval:", compose, re.MULTILINE | re.DOTALL)
    settings = _certificate(tmp_path)
    for certificate in ("", settings[0].partition("=")[2]):
        gateway = services.gateway(*(settings if certificate else ()), ready=False)
        gateway.wait_for_output("connected to the broker")
        asked = subprocess.run(
            [sys.executable, "-c", re.sub(r"\n +", " ", check).replace("8765", str(gateway.port))],
            env=os.environ | {"OCR_WEBSOCKET_TLS_CERTIFICATE": certificate},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        gateway.stop()


def test_a_peer_that_never_begins_its_tls_handshake_does_not_hold_up_the_gateway(
    services: Services, tmp_path: Path
) -> None:
    gateway = services.gateway(*_certificate(tmp_path), ready=False)
    gateway.wait_for_output("connected to the broker")
    with socket.create_connection(("127.0.0.1", gateway.port)):
        with connect(f"wss://127.0.0.1:{gateway.port}", ssl=_context(tmp_path), proxy=None):
            pass  # the connection before this one has been accepted too
        gateway.process.terminate()
        assert gateway.exit_code(seconds=8) == 0  # a handshake may take 10
    gateway.assert_nothing_is_left()


def test_a_certificate_that_cannot_be_read_is_named(services: Services, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    gateway = services.gateway(f"WebSocket.tls_certificate={missing}", ready=False)
    assert gateway.exit_code() == 3
    assert str(missing) in gateway.output()
