"""Which protocol is spoken: by the subprotocols that the client offers."""

from collections.abc import Sequence

import pytest

from tests.contract.foreign_peers_v2 import ForeignClientV2
from tests.running import Gateway, Services

pytestmark = pytest.mark.usefixtures("no_held_queues_left")
WELCOME_KEYS = {"ClientUUID", "ResumeKey", "Resumed", "MaxImageBytes", "MaxInFlight", "IdleTimeout", "ResumeWindow"}


@pytest.fixture(scope="module")
def gateway(module_services: Services) -> Gateway:
    return module_services.gateway(
        "WebSocket.max_image_bytes=123456",
        "WebSocket.max_in_flight=7",
        "WebSocket.idle_timeout=45",
        "WebSocket.resume_window=90",
    )


@pytest.mark.parametrize(
    ("offers", "selected"),
    [
        (("ocr.v2", "ocr.v2.msgpack"), "ocr.v2.msgpack"),
        (("ocr.v2.msgpack", "ocr.v2"), "ocr.v2.msgpack"),
        (("ocr.v2",), "ocr.v2"),
        (("ocr.v2.msgpack",), "ocr.v2.msgpack"),
        (("ocr.v9", "ocr.v2"), "ocr.v2"),
    ],
)
def test_the_gateway_selects_a_codec_that_is_offered_and_welcomes_the_client(
    gateway: Gateway, offers: Sequence[str], selected: str
) -> None:
    with ForeignClientV2(gateway.port, offers) as client:
        assert client.subprotocol == selected
        assert set(client.welcome) == WELCOME_KEYS | {"Languages", "Outputs"}
        assert client.welcome["Resumed"] is False
        assert client.welcome["MaxImageBytes"] == 123456
        assert client.welcome["MaxInFlight"] == 7
        assert client.welcome["IdleTimeout"] == 45
        assert client.welcome["ResumeWindow"] == 90
        numbers = [value for value in client.welcome.values() if not isinstance(value, str | list | bool)]
        assert {type(number) for number in numbers} == {int}, "a peer may have typed them as whole numbers"
        assert client.welcome["Languages"] == client.welcome["Outputs"] == []  # no OCR server has announced itself


@pytest.mark.parametrize("offers", [(), ("ocr.v9",), ("OCR.V2", "ocr.v2.json", "soap")])
def test_without_a_codec_that_both_know_v1_is_spoken(gateway: Gateway, offers: Sequence[str]) -> None:
    with ForeignClientV2(gateway.port, offers, says_hello=False) as client:
        assert client.subprotocol is None
        client.say({"ClientName": "knows v1 too"})
        assert set(client.hear()) == {"ClientUUID"}


def test_two_clients_of_one_name_have_ids_and_keys_of_their_own(gateway: Gateway) -> None:
    with ForeignClientV2(gateway.port) as one, ForeignClientV2(gateway.port) as other:
        assert one.client_uuid != other.client_uuid
        assert one.welcome["ResumeKey"] != other.welcome["ResumeKey"]
