"""Our client program at a v1 gateway from elsewhere, which the test plays itself."""

import base64
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.contract.drawn_images import drawn
from tests.contract.foreign_gateway_program import ForeignWebSocketGateway, success
from tests.running import Service, Services

PRINTED = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\]\[[^\]]+\] .+")
NAMES = ["a.png", "b.png", "圖 c.png", "d.jpg"]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Starts clients only: these tests need no broker."""
    return Services(0, tmp_path_factory.mktemp("s"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(drawn(name[:1], "JPEG" if name.endswith("jpg") else "PNG"))
    return folder


def run(clients: Services, gateway: ForeignWebSocketGateway, images: Path, *settings: str) -> tuple[Service, int]:
    """Run the client to its end; nothing of it is left. Return it and its exit code."""
    client = clients.client(gateway.port, images, "ThreadPool.max_thread=2", *settings)
    try:
        code = client.exit_code(seconds=60)
        client.assert_nothing_is_left()
    finally:
        client.kill()
    return client, code


def test_the_frames_have_exactly_the_keys_of_v1_and_every_image_is_sent_once(clients: Services, images: Path) -> None:
    with ForeignWebSocketGateway() as gateway:
        client, code = run(clients, gateway, images)
    assert code == 0, client.output()
    for given, frames in zip(gateway.given, gateway.conversations, strict=True):
        assert all(isinstance(frame, str) for frame in frames)
        hello, *uploads = [json.loads(frame) for frame in frames]
        assert set(hello) == {"ClientName"}
        assert isinstance(hello["ClientName"], str)
        for upload in uploads:
            assert set(upload) == {"ClientUUID", "ImageFileName", "ImageBase64Data"}
            assert upload["ClientUUID"] == given
            sent = base64.b64decode(upload["ImageBase64Data"], validate=True)
            assert sent == (images / upload["ImageFileName"]).read_bytes()
    assert Counter(upload["ImageFileName"] for upload in gateway.uploads()) == Counter(NAMES)


def test_by_default_an_image_is_sent_after_the_final_answer_of_the_one_before(clients: Services, images: Path) -> None:
    with ForeignWebSocketGateway() as gateway:
        run(clients, gateway, images)
    assert gateway.uploads()
    assert gateway.uploaded_while_another_waited == 0


def test_each_event_is_one_line_with_time_and_name(clients: Services, images: Path) -> None:
    with ForeignWebSocketGateway() as gateway:
        client, _ = run(clients, gateway, images)
    events = [line for line in client.output().splitlines() if PRINTED.fullmatch(line)]
    assert "Traceback" not in client.output()
    for client_uuid in gateway.given:
        assert any(client_uuid in event for event in events)
    for name in NAMES:
        assert sum(name in event for event in events) >= 3, f"sent, accepted and result of {name}: {events}"


def test_a_failed_image_does_not_keep_the_others_from_being_read(clients: Services, images: Path) -> None:
    def fails_b(upload: dict[str, Any]) -> dict[str, Any]:
        failed = {"ResponseMessage": "FAILED", "OcrResult": "This picture of b cannot be read."}
        return success(upload) | (failed if upload["ImageFileName"] == "b.png" else {})

    with ForeignWebSocketGateway(fails_b) as gateway:
        client, _ = run(clients, gateway, images)
    assert {upload["ImageFileName"] for upload in gateway.uploads()} == set(NAMES)
    assert "This picture of b cannot be read." in client.output()


def test_with_nobody_to_connect_to_the_client_says_so_and_ends_with_an_error(clients: Services, images: Path) -> None:
    with ForeignWebSocketGateway() as gateway:
        pass
    client, code = run(clients, gateway, images, "Client.connect_timeout=1", "Client.answer_timeout=1")
    assert code != 0
    assert str(gateway.port) in client.output()
    assert "Traceback" not in client.output()
