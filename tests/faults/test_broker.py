"""The broker is killed, stopped, disconnected, out of memory or disk: what it has confirmed is still answered."""

import contextlib
from collections.abc import Callable, Iterator

import pika
import pytest

from tests.faults.container_broker import Broker
from tests.faults.peer import Peer
from tests.faults.stage import Stage
from tests.running import wait_until

QUEUED = 200
MUCH_IN_FLIGHT = "WebSocket.max_in_flight=64"


def kill_and_start(broker: Broker) -> None:
    broker.kill()
    broker.start()


def stop_and_start_app(broker: Broker) -> None:
    broker.rabbitmqctl("stop_app")
    broker.rabbitmqctl("start_app")
    broker.start()


def close_all_connections(broker: Broker) -> None:
    broker.rabbitmqctl("close_all_connections", "a fault test")


FAULTS = {
    "SIGKILL the broker": kill_and_start,
    "stop_app/start_app": stop_and_start_app,
    "close all connections": close_all_connections,
}


first, *others = FAULTS


@pytest.mark.fault("{fault}", "with 200 images queued, and answers held")
@pytest.mark.parametrize("fault", [first, *(pytest.param(one, marks=pytest.mark.slow) for one in others)])
def test_a_broker_that_goes_and_comes_back_loses_nothing_of_what_is_queued(own_stage: Stage, fault: str) -> None:
    stage = own_stage
    gateway = stage.gateway(MUCH_IN_FLIGHT)
    peers = [stage.peer(gateway.port) for _ in range(2)]
    for peer in peers:
        peer.ask_many(40)
    absent = stage.peer(gateway.port)
    absent.ask_many(20)
    absent.wait_accepted()
    absent.vanish()
    for _ in range(4):
        stage.program(gateway.port, images=60, max_in_flight=25)
    gateway.wait_for_output("image queued", times=QUEUED)
    stage.ocr_server(processes=2, pause=0.05)
    gateway.wait_for_output("answer held", times=5)

    FAULTS[fault](stage.broker)
    stage.healed()
    assert absent.connect(gateway.port)["Resumed"]
    stage.check()


@pytest.mark.fault(
    "a killed broker forgets a held queue", "that was declared less than 2 s before, with an answer in it"
)
def test_an_answer_in_a_held_queue_that_is_too_young_to_survive_is_not_lost(stage: Stage) -> None:
    to_broker = stage.proxy()
    gateway = stage.gateway(via=to_broker)
    peer = stage.peer(gateway.port)
    peer.ask_many(1)
    peer.wait_accepted()
    peer.vanish()
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", stage.broker.port, heartbeat=0)) as connection:
        channel = connection.channel()
        stage.ocr_server()
        gateway.wait_for_output("answer held")
        # What RabbitMQ does to it now and then, when it is killed and started (docs/decisions.md).
        channel.queue_delete(f"held.{peer.client_uuid}")
    to_broker.reset()

    stage.healed()
    gateway.wait_for_output("answer held", times=2)
    assert peer.connect(gateway.port)["Resumed"]
    stage.check()


@contextlib.contextmanager
def memory_alarm(broker: Broker) -> Iterator[None]:
    broker.rabbitmqctl("set_vm_memory_high_watermark", "0")
    try:
        yield
    finally:
        broker.rabbitmqctl("set_vm_memory_high_watermark", "0.6")


@contextlib.contextmanager
def disk_alarm(broker: Broker) -> Iterator[None]:
    broker.rabbitmqctl("set_disk_free_limit", "1000000GB")
    try:
        yield
    finally:
        broker.rabbitmqctl("set_disk_free_limit", "10MB")


ALARMS = {"memory alarm": memory_alarm, "disk alarm": disk_alarm}


@pytest.mark.slow  # tests/contract has a quick one
@pytest.mark.fault("{alarm}", "set through rabbitmqctl, under load")
@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_is_answered_unavailable_and_clears_by_itself(stage: Stage, alarm: str) -> None:
    gateway = stage.gateway()
    stage.ocr_server(processes=2, pause=0.05)
    peer = stage.peer(gateway.port)
    programs = [stage.program(gateway.port, images=40) for _ in range(2)]
    peer.ask_many(20)
    wait_until(lambda: all(len(program.answered) >= 3 for program in programs), "answers come")

    with ALARMS[alarm](stage.broker):
        late = peer.ask_many(5)
        _wait(peer, lambda: all(asked.refusals or asked.is_accepted for asked in late), "each is accepted or refused")
        # The broker hears of its alarm before the last of these: it takes no more by then.
        (last,) = peer.ask_many(1)
        _wait(peer, lambda: bool(last.refusals), "the last is refused")
        assert last.refusals[0].message["ErrorCode"] == "UNAVAILABLE"
    stage.healed()
    peer.send_again()
    peer.wait_answered()
    stage.check()


def _wait(peer: Peer, holds: Callable[[], bool], what: str) -> None:
    wait_until(holds, f"{what} ({peer.name})", seconds=20)
