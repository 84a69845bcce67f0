"""wss: the gateway with a certificate, our client and a foreign one."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from websockets.sync.client import connect

from tests.contract.drawn_images import drawn
from tests.running import ROOT, Services


@pytest.mark.usefixtures("tesseract")
def test_images_go_through_tls_and_strangers_are_not_trusted(services: Services, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    (tmp_path / "hello.png").write_bytes(drawn("Hello"))

    gateway = services.gateway(
        f"WebSocket.tls_certificate={tmp_path / 'certificate.pem'}",
        f"WebSocket.tls_key={tmp_path / 'key.pem'}",
        ready=False,
    )
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

    context = ssl.create_default_context(cafile=tmp_path / "authority.pem")
    with connect(url, ssl=context, proxy=None) as foreign:
        foreign.send('{"ClientName": "Ada"}')
        assert "ClientUUID" in foreign.recv(20)


def test_a_certificate_that_cannot_be_read_is_named(services: Services, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    gateway = services.gateway(f"WebSocket.tls_certificate={missing}", ready=False)
    assert gateway.exit_code() == 3
    assert str(missing) in gateway.output()
