"""Who may use the gateway and for how much: tokens, their limits, resume keys, origins. And what is never told."""

import base64
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.contract.drawn_images import NO_IMAGE
from tests.contract.foreign_peers import SECONDS
from tests.running import ROOT, Gateway, Services, wait_until

TOKENS = {name: secrets.token_urlsafe(32) for name in ("wide", "narrow", "slow", "single")}
STRANGER = secrets.token_urlsafe(32)
V2 = [Subprotocol("ocr.v2")]
NO_IMAGE_BASE64 = base64.b64encode(NO_IMAGE).decode()


def line(name: str, token: str, limits: str = "") -> str:
    return f"{name} sha256:{hashlib.sha256(token.encode()).hexdigest()} {limits}\n"


@pytest.fixture(scope="module")
def tokens_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "tokens"
    path.write_text(
        line("wide", TOKENS["wide"])
        + line("narrow", TOKENS["narrow"], "max_in_flight=2")
        + line("slow", TOKENS["slow"], "images_per_minute=6")
        + line("single", TOKENS["single"], "max_connections=1"),
        "utf-8",
    )
    return path


@pytest.fixture(scope="module")
def secret_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "secret"
    path.write_text(secrets.token_hex(32), "utf-8")
    return path


@pytest.fixture(scope="module")
def gateway(module_services: Services, tokens_file: Path, secret_file: Path) -> Gateway:
    return module_services.gateway(f"Auth.tokens_file={tokens_file}", f"Auth.secret_file={secret_file}")


class Client:
    """A v2 client that says one thing at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.client_uuid = ""

    def say(self, **message: Any) -> dict[str, Any]:
        """Send a message; returns the next one of the gateway's."""
        self._connection.send(json.dumps(message))
        return self.hear()

    def hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(self._connection.recv(SECONDS))
        return heard

    def hello(self, **more: str) -> dict[str, Any]:
        heard = self.say(ClientName="access", **more)
        self.client_uuid = heard.get("ClientUUID", "")
        return heard

    def upload(self, request_id: str) -> dict[str, Any]:
        image = {"ImageFileName": "a.png", "ImageBase64Data": NO_IMAGE_BASE64, "RequestId": request_id}
        return self.say(ClientUUID=self.client_uuid, **image)

    def close(self) -> tuple[int, str]:
        """How the gateway ends the connection."""
        with pytest.raises(ConnectionClosed) as closed:
            self._connection.recv(SECONDS)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason


@contextmanager
def client(
    gateway: Gateway, bearer: str = "", *, path: str = "", offers: list[Subprotocol] | None = V2, origin: str = ""
) -> Iterator[Client]:
    with connect(
        f"ws://127.0.0.1:{gateway.port}/{path}",
        subprotocols=offers,
        additional_headers={"Authorization": f"Bearer {bearer}"} if bearer else {},
        origin=Origin(origin) if origin else None,
        compression=None,
        proxy=None,
        close_timeout=SECONDS,
    ) as connection:
        yield Client(connection)


def test_a_token_may_come_in_the_hello_or_as_bearer_in_both_versions(gateway: Gateway) -> None:
    with client(gateway) as one:
        assert one.hello(Token=TOKENS["wide"])["Resumed"] is False
    with client(gateway, TOKENS["wide"]) as one:
        assert one.hello()["Resumed"] is False
    with client(gateway, TOKENS["wide"], offers=None) as one:
        assert set(one.hello()) == {"ClientUUID"}
    with client(gateway, offers=None) as one:
        assert set(one.hello(Token=TOKENS["wide"])) == {"ClientUUID"}


@pytest.mark.parametrize("offers", [V2, None], ids=["v2", "v1"])
def test_without_a_right_token_a_client_is_told_and_closed_with_1008(
    gateway: Gateway, offers: list[Subprotocol] | None
) -> None:
    for token in ({}, {"Token": STRANGER}, {"Token": ""}):
        with client(gateway, offers=offers) as one:
            refused = one.hello(**token)
            assert refused["ResponseMessage"] == "FAILED"
            assert "token" in refused["OcrResult"]
            if offers:
                assert refused["ErrorCode"] == "NOT_ALLOWED"
            code, reason = one.close()
            assert (code, "not allowed" in reason) == (1008, True)
    with client(gateway, STRANGER, offers=offers) as one:
        assert one.hello()["ResponseMessage"] == "FAILED"
        assert one.close()[0] == 1008


def test_a_token_in_the_url_lets_nobody_in(gateway: Gateway) -> None:
    with client(gateway, path=f"?token={TOKENS['wide']}&Token={TOKENS['wide']}") as one:
        assert one.hello()["ErrorCode"] == "NOT_ALLOWED"


def test_an_upload_before_the_hello_is_refused(gateway: Gateway) -> None:
    with client(gateway) as one:
        assert one.upload("r")["ErrorCode"] in ("BAD_CLIENT_UUID", "NOT_ALLOWED")


def test_the_limits_of_a_token_are_its_bearers(gateway: Gateway) -> None:
    with client(gateway, TOKENS["narrow"]) as one:
        assert one.hello()["MaxInFlight"] == 2
        assert one.upload("1")["ResponseMessage"] == "PENDING"
        assert one.upload("2")["ResponseMessage"] == "PENDING"
        refused = one.upload("3")
        assert refused["ErrorCode"] == "TOO_MANY_IN_FLIGHT"
        assert refused["RetryAfter"] > 0


def test_the_rate_of_a_token_counts_for_all_its_connections(gateway: Gateway) -> None:
    with client(gateway, TOKENS["slow"]) as one, client(gateway, TOKENS["slow"]) as other:
        one.hello()
        other.hello()
        assert one.upload("1")["ResponseMessage"] == "PENDING"
        refused = other.upload("1")
        assert refused["ErrorCode"] == "RATE_LIMITED"
        assert 0 < refused["RetryAfter"] <= 10


def test_a_token_has_no_more_connections_than_its_limit_and_a_resumed_one_replaces_its_own(gateway: Gateway) -> None:
    with client(gateway, TOKENS["single"]) as one:
        welcome = one.hello()
        with client(gateway, TOKENS["single"]) as other:
            other.hello()
            code, reason = other.close()
            assert code == 1013
            assert re.search(r"; RetryAfter=\d+$", reason)
        with client(gateway, TOKENS["single"]) as back:
            resumed = back.hello(ClientUUID=welcome["ClientUUID"], ResumeKey=welcome["ResumeKey"])
            assert resumed.get("Resumed") is True, resumed
            assert one.close()[0] == 4001


def test_a_changed_tokens_file_counts_without_a_restart(
    services_of_this_test: Services, tmp_path: Path, secret_file: Path
) -> None:
    path = tmp_path / "tokens"
    path.write_text(line("first", TOKENS["wide"]), "utf-8")
    gateway = services_of_this_test.gateway(
        f"Auth.tokens_file={path}", f"Auth.secret_file={secret_file}", "RabbitMQ.result_queue=result_queue.access"
    )
    with client(gateway, TOKENS["wide"]) as one:
        assert "ResumeKey" in one.hello()
    new = tmp_path / "new"
    new.write_text(line("second", STRANGER) + "# one more line, so that the size differs\n", "utf-8")
    new.replace(path)
    with client(gateway, TOKENS["wide"]) as one:
        assert one.hello()["ErrorCode"] == "NOT_ALLOWED"
    with client(gateway, STRANGER) as one:
        welcome = one.hello()
        assert [one.upload(request_id)["ResponseMessage"] for request_id in ("1", "2")] == ["PENDING", "PENDING"]
    path.write_text(line("second", STRANGER, "images_per_minute=6 max_in_flight=20"), "utf-8")
    with client(gateway, STRANGER) as one:
        resumed = one.hello(ClientUUID=welcome["ClientUUID"], ResumeKey=welcome["ResumeKey"])
        assert resumed["MaxInFlight"] == 20
        assert one.upload("3")["ResponseMessage"] == "PENDING"
        assert one.upload("4")["ErrorCode"] == "RATE_LIMITED"
    path.write_text("second in-clear\n", "utf-8")
    with client(gateway, STRANGER) as one:
        assert "ResumeKey" in one.hello()
    assert f"tokens_file = {path}, line 1: " in gateway.output()


@pytest.fixture
def services_of_this_test(module_services: Services) -> Services:
    """The gateway of the module goes on beside the ones that are started here."""
    return module_services


def test_a_resume_key_is_its_client_s_and_its_token_s(gateway: Gateway) -> None:
    with client(gateway, TOKENS["wide"]) as one:
        welcome = one.hello()
    mine = {"ClientUUID": welcome["ClientUUID"], "ResumeKey": welcome["ResumeKey"]}
    with client(gateway, TOKENS["narrow"]) as thief:
        assert thief.hello(**mine)["ErrorCode"] == "BAD_CLIENT_UUID"
        own = thief.hello()  # the connection is there for another hello
        assert own["Resumed"] is False
        assert own["ClientUUID"] != mine["ClientUUID"]
    for wrong in ("", "0" * 64, mine["ResumeKey"][:-1], mine["ResumeKey"] + "0"):
        with client(gateway, TOKENS["wide"]) as thief:
            assert thief.hello(ClientUUID=mine["ClientUUID"], ResumeKey=wrong)["ErrorCode"] == "BAD_CLIENT_UUID"
    with client(gateway) as thief:
        assert thief.hello(**mine)["ErrorCode"] == "NOT_ALLOWED"
    with client(gateway, TOKENS["wide"]) as one:
        assert one.hello(**mine)["Resumed"] is True


def test_a_resume_key_is_good_at_every_gateway_with_the_same_secret(
    gateway: Gateway, services_of_this_test: Services, tokens_file: Path, secret_file: Path, tmp_path: Path
) -> None:
    second = services_of_this_test.gateway(
        f"Auth.tokens_file={tokens_file}",
        f"Auth.secret_file={secret_file}",
        "RabbitMQ.result_queue=result_queue.second",
    )
    other_secret = tmp_path / "secret"
    other_secret.write_text(secrets.token_hex(32), "utf-8")
    third = services_of_this_test.gateway(
        f"Auth.tokens_file={tokens_file}",
        f"Auth.secret_file={other_secret}",
        "RabbitMQ.result_queue=result_queue.third",
    )
    with client(gateway, TOKENS["wide"]) as one:
        welcome = one.hello()
    mine = {"ClientUUID": welcome["ClientUUID"], "ResumeKey": welcome["ResumeKey"]}
    with client(third, TOKENS["wide"]) as one:
        assert one.hello(**mine)["ErrorCode"] == "BAD_CLIENT_UUID"
    with client(second, TOKENS["wide"]) as one:
        assert one.hello(**mine)["Resumed"] is True


def test_pages_of_other_origins_are_closed_and_programs_are_not(services_of_this_test: Services) -> None:
    gateway = services_of_this_test.gateway(
        "WebSocket.origins=https://ocr.example https://second.example",
        "RabbitMQ.result_queue=result_queue.origins",
    )
    for origin in ("", "https://ocr.example", "https://second.example"):
        with client(gateway, origin=origin) as one:
            assert "ResumeKey" in one.hello()
    for origin in ("https://evil.example", "null", "http://ocr.example", "https://ocr.example.evil.example"):
        with client(gateway, origin=origin) as one:
            assert one.close() == (1008, "not allowed: pages of this origin may not connect")
    # No secret file: the keys come from the broker's password, and the log warns of it.
    assert "[Auth] secret_file is empty" in gateway.output()


@pytest.mark.parametrize(
    ("setting", "content", "said"),
    [
        ("tokens_file", "name in-clear-secret", "line 1: "),
        ("tokens_file", None, "cannot be read"),
        ("secret_file", "in-clear-secret", "fewer than 16"),
        ("secret_file", None, "cannot be read"),
    ],
)
def test_a_gateway_with_a_wrong_file_says_so_and_does_not_start(
    services_of_this_test: Services, tmp_path: Path, setting: str, content: str | None, said: str
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content, "utf-8")
    gateway = services_of_this_test.gateway(f"Auth.{setting}={path}", ready=False)
    assert gateway.exit_code() == 3
    assert f"[Auth] {setting} = {path}" in gateway.output()
    assert said in gateway.output()
    assert "in-clear-secret" not in gateway.output()


def test_a_token_that_the_program_makes_is_let_in(services_of_this_test: Services, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "websocket_server", "--new-token", "made"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    token = next(word for word in made.split() if word.startswith("ocr_"))
    path = tmp_path / "tokens"
    path.write_text(next(one for one in made.splitlines() if one.startswith("made ")), "utf-8")
    gateway = services_of_this_test.gateway(f"Auth.tokens_file={path}", "RabbitMQ.result_queue=result_queue.made")
    with client(gateway, token) as one:
        assert "ResumeKey" in one.hello()


def test_logs_and_metrics_hold_neither_tokens_nor_keys_nor_images(gateway: Gateway) -> None:
    with client(gateway, TOKENS["wide"]) as one:
        welcome = one.hello(Token=TOKENS["wide"])
        one.upload("private")
        one.upload("private")  # PENDING once more
    with client(gateway, STRANGER) as one:
        one.hello(ClientUUID=welcome["ClientUUID"], ResumeKey=welcome["ResumeKey"])
    wait_until(lambda: welcome["ClientUUID"] in gateway.output().partition("client gone")[2], "the log is written")
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/metrics", timeout=10) as page:
        metrics = page.read().decode()
    assert 'gateway_refusals_total{code="NOT_ALLOWED"}' in metrics
    assert welcome["ClientUUID"] not in metrics
    for private in (*TOKENS.values(), STRANGER, welcome["ResumeKey"], NO_IMAGE_BASE64):
        assert private not in gateway.output()
        assert private not in metrics
