"""Tokens in both codecs, made by the program itself: who is let in, as whom, and within which limits."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.foreign_peers import ForeignClient
from tests.contract.foreign_peers_v2 import SUBPROTOCOLS, ForeignClientV2, ForeignOcrServerV2
from tests.faults.container_broker import Broker
from tests.running import ROOT, Gateway, Services, wait_until

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
LIMITS = {"alice": "", "bob": "max_in_flight=1", "carol": "max_connections=1"}


@pytest.fixture(scope="module")
def made() -> dict[str, tuple[str, str]]:
    """Each client's token and its line for the tokens file."""
    found = {}
    for name, limits in LIMITS.items():
        command = [sys.executable, "-m", "websocket_server", "--new-token", name]
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
        line = next(line for line in printed.splitlines() if line.startswith(f"{name} "))
        token = next(word for word in printed.split() if re.fullmatch(r"[\w-]{32,}", word))
        assert token not in line
        found[name] = (token, f"{line} {limits}")
    return found


@pytest.fixture(scope="module")
def token(made: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {name: token for name, (token, _) in made.items()}


@pytest.fixture(scope="module")
def gateway(
    module_services: Services, tmp_path_factory: pytest.TempPathFactory, made: dict[str, tuple[str, str]]
) -> Gateway:
    tokens_file = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens_file.write_text("# who may\n\n" + "".join(f"{line}\n" for _, line in made.values()), "utf-8")
    return module_services.gateway(f"Auth.tokens_file={tokens_file}")


@pytest.fixture
def ocr_server(gateway: Gateway, broker: Broker) -> Iterator[ForeignOcrServerV2]:
    with ForeignOcrServerV2(broker.port) as server:
        server.channel.queue_purge("pending_queue")
        yield server


@pytest.fixture(params=SUBPROTOCOLS)
def subprotocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("keys", [{}, {"Token": "wrong"}, {"Token": ""}])
def test_without_a_known_token_a_client_is_failed_and_then_closed_with_1008(
    gateway: Gateway, subprotocol: str, keys: dict[str, str]
) -> None:
    with ForeignClientV2(gateway.port, subprotocol, says_hello=False) as stranger:
        stranger.say({"ClientName": "stranger", **keys})
        stranger.hear_failed("", "NOT_ALLOWED")
        assert stranger.hear_close()[0] == 1008


def test_a_v1_client_without_a_token_is_failed_and_then_closed_with_1008(gateway: Gateway) -> None:
    with ForeignClient(gateway.port, name=None) as stranger:
        stranger.say({"ClientName": "stranger"})
        stranger.hear_failed()
        assert stranger.hear_close()[0] == 1008


@pytest.mark.parametrize("where", ["hello", "bearer"])
def test_with_its_token_a_client_is_served_and_resumed(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, token: dict[str, str], subprotocol: str, where: str
) -> None:
    sent: dict[str, Any] = {"token" if where == "hello" else "bearer": token["alice"]}
    with ForeignClientV2(gateway.port, subprotocol, **sent) as client:
        client.upload("r1")
        client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "read")
    ocr_server.wait_held(client.client_uuid, 1)
    with ForeignClientV2(gateway.port, subprotocol, resumes=client.welcome, **sent) as back:
        assert back.welcome["Resumed"] is True
        back.hear_success("r1", "read")
        back.received("r1")
    assert token["alice"] not in gateway.output()


def test_a_resume_key_is_worth_nothing_with_the_token_of_another(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, token: dict[str, str], subprotocol: str
) -> None:
    with ForeignClientV2(gateway.port, subprotocol, token=token["alice"]) as client:
        client.upload("r1")
        client.hear_pending("r1")
    ocr_server.read(ocr_server.take_image_of("r1"), "for alice")
    ocr_server.wait_held(client.client_uuid, 1)
    stolen = {key: client.welcome[key] for key in ("ClientUUID", "ResumeKey")}
    with ForeignClientV2(gateway.port, subprotocol, says_hello=False, bearer=token["bob"]) as thief:
        thief.say({"ClientName": "thief", **stolen})
        thief.hear_failed("", "BAD_CLIENT_UUID")
        thief.hello()
        thief.hear_nothing_more()
    assert ocr_server.held(client.client_uuid) == 1


def test_the_limits_of_a_token_count_for_its_client(
    gateway: Gateway, ocr_server: ForeignOcrServerV2, token: dict[str, str], subprotocol: str
) -> None:
    with ForeignClientV2(gateway.port, subprotocol, token=token["bob"]) as client:
        assert client.welcome["MaxInFlight"] == 1
        client.upload("r1")
        client.hear_pending("r1")
        client.upload("r2")
        client.hear_failed("r2", "TOO_MANY_IN_FLIGHT", again=True)
        ocr_server.read(ocr_server.take_image_of("r1"), "read")
        client.hear_success("r1", "read")
        client.received("r1")
        client.upload("r2")
        client.hear_pending("r2")


def test_over_a_tokens_max_connections_a_client_is_closed_with_1013_until_the_other_leaves(
    gateway: Gateway, token: dict[str, str], subprotocol: str
) -> None:
    def connected() -> ForeignClientV2 | tuple[int, str]:
        """One more connection; or code and reason of its close."""
        client = ForeignClientV2(gateway.port, subprotocol, says_hello=False, bearer=token["carol"])
        client.say({"ClientName": "carol"})
        if "ResumeKey" in client.hear():
            return client
        with client:
            return client.hear_close()

    first: list[ForeignClientV2] = []

    def is_let_in() -> bool:  # once the one of an earlier test is gone
        one = connected()
        if isinstance(one, ForeignClientV2):
            first.append(one)
        return bool(first)

    wait_until(is_let_in, "a first connection is let in")
    with first[0]:
        refused = connected()
        assert isinstance(refused, tuple)
        assert refused[0] == 1013
        assert re.search(r"; RetryAfter=[1-9]\d*$", refused[1]), refused
    first.clear()
    wait_until(is_let_in, "another is let in when the first has left")
    first[0].close()
