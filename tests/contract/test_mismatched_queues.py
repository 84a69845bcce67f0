"""A queue that is there with other arguments: said in words, and the exit code is its own."""

import pytest
from private_broker import PrivateBroker

from tests.contract.foreign_peers import ForeignAmqpPeer
from tests.running import Service, Services


def start(services: Services, module: str, *settings: str) -> Service:
    if module == "websocket_server":
        return services.gateway(*settings, ready=False)
    return services.ocr_server(*settings, ready=False)


@pytest.mark.parametrize(
    ("durable", "queue_type", "argument"), [(False, "quorum", "durable"), (True, "classic", "x-")], ids=["durable", "x"]
)
def test_both_servers_name_queue_argument_and_remedy_and_exit_with_one_code_of_its_own(
    services: Services, broker: PrivateBroker, durable: bool, queue_type: str, argument: str
) -> None:
    with ForeignAmqpPeer(broker.port) as foreign:
        foreign.channel.queue_declare("pending_queue", durable=durable)
        foreign.publish("pending_queue", b"kept")
        codes = set()
        for module in ("websocket_server", "ocr_server"):
            service = start(services, module, f"RabbitMQ.queue_type={queue_type}")
            codes.add(service.exit_code())
            said = service.output()
            assert "pending_queue" in said
            assert argument in said
            assert any(remedy in said for remedy in ("queue_type", "delete", "Delete")), said
            assert "Traceback" not in said
            service.assert_nothing_is_left()
        assert len(codes) == 1
        assert 0 not in codes
        assert foreign.waiting("pending_queue") == 1  # no service deletes a queue


def test_a_mismatched_queue_and_a_wrong_setting_have_different_exit_codes(
    services: Services, broker: PrivateBroker
) -> None:
    for module in ("websocket_server", "ocr_server"):
        wrong_setting = start(services, module, "RabbitMQ.colour=blue")
        with ForeignAmqpPeer(broker.port) as foreign:
            foreign.channel.queue_declare("pending_queue")
            mismatched = start(services, module)
            codes = {wrong_setting.exit_code(), mismatched.exit_code()}
        assert "colour" in wrong_setting.output()
        assert len(codes) == 2
        assert 0 not in codes
