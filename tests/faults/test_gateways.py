"""Gateways are killed and told to stop, at the worst moments: clients resume and have each answer once."""

import signal

import pytest

from tests.faults.amqp_methods import BASIC_ACK, BASIC_PUBLISH
from tests.faults.proxy import Way
from tests.faults.stage import Stage
from tests.running import wait_until

IMAGES = 10


@pytest.mark.fault("SIGTERM the gateway", "under load")
def test_a_gateway_told_to_stop_loses_no_answer_and_has_nothing_read_twice(stage: Stage) -> None:
    gateway, server = stage.gateway(), stage.ocr_server(processes=2, pause=0.05)
    peers = [stage.peer(gateway.port), stage.peer(gateway.port, says_received=False)]
    programs = [stage.program(gateway.port, images=40) for _ in range(2)]
    for peer in peers:
        peer.ask_many(20)
    wait_until(lambda: all(len(program.answered) >= 3 for program in programs), "answers come")

    gateway.process.send_signal(signal.SIGTERM)
    for peer in peers:
        close = peer.wait_for_close(seconds=30)
        assert close is not None
        assert close[0] == 1001
    assert gateway.exit_code() == 0
    gateway.assert_nothing_is_left()
    stage.again(gateway)
    stage.healed()
    for peer in peers:
        peer.says_received = True
        assert peer.connect(gateway.port)["Resumed"]
        peer.send_again()

    stage.check()
    images = sum(len(one.asked) for one in peers) + sum(len(one.expected) for one in programs)
    assert server.output().count("image taken") == images


@pytest.mark.slow
@pytest.mark.fault("SIGKILL the gateway", "before the publish")
def test_a_gateway_killed_before_it_publishes_has_promised_nothing_and_clients_send_again(stage: Stage) -> None:
    proxy = stage.proxy()
    gateway, _ = stage.gateway(via=proxy), stage.ocr_server()
    peer = stage.peer(gateway.port)

    published = proxy.watch(Way.UP, BASIC_PUBLISH)
    proxy.hold(Way.UP)
    program = stage.program(gateway.port, images=IMAGES)
    gateway.wait_for_output("client accepted", times=2)
    peer.ask_many(IMAGES)
    published.wait("an image")
    stage.kill(gateway)
    proxy.reset()
    proxy.release()
    assert not any(asked.is_accepted for asked in peer.asked.values())
    assert not program.answered

    stage.again(gateway)
    stage.healed()
    assert peer.connect(gateway.port)["Resumed"]
    peer.send_again()
    peer.wait_accepted()
    stage.check()


@pytest.mark.fault("SIGKILL the gateway", "between confirm and PENDING")
def test_a_gateway_killed_before_it_says_pending_has_the_image_read_all_the_same(stage: Stage) -> None:
    proxy = stage.proxy()
    gateway, _ = stage.gateway(via=proxy), stage.ocr_server()
    peer = stage.peer(gateway.port)

    confirmed = proxy.watch(Way.DOWN, BASIC_ACK)
    proxy.hold(Way.DOWN)
    stage.program(gateway.port, images=IMAGES)
    gateway.wait_for_output("client accepted", times=2)
    peer.ask_many(IMAGES)
    confirmed.wait("the confirm of an image")
    stage.kill(gateway)
    proxy.reset()
    proxy.release()
    assert not any(asked.is_accepted for asked in peer.asked.values())

    stage.again(gateway)
    stage.healed()
    assert peer.connect(gateway.port)["Resumed"]
    peer.send_again()
    peer.wait_accepted()
    stage.check()


@pytest.mark.fault("SIGKILL the gateway", "with answers held")
def test_a_gateway_killed_with_answers_held_hands_them_over_when_it_is_back(stage: Stage) -> None:
    gateway, server = stage.gateway(), stage.ocr_server(pause=0.1)
    peer = stage.peer(gateway.port)
    peer.ask_many(IMAGES)
    peer.wait_accepted()
    peer.vanish()
    server.wait_for_output("answer queued", times=IMAGES)
    answered = sum(bool(asked.finals) for asked in peer.asked.values())
    stage.wait_held(peer, IMAGES - answered)

    stage.kill(gateway)
    stage.again(gateway)
    stage.healed()
    assert peer.connect(gateway.port)["Resumed"]

    stage.check()
    assert server.output().count("image taken") == IMAGES


@pytest.mark.slow
@pytest.mark.fault("SIGKILL the gateway", "with answers sent but not Received")
def test_a_gateway_killed_with_answers_unreceived_sends_them_again(stage: Stage) -> None:
    gateway, server = stage.gateway(), stage.ocr_server()
    peer = stage.peer(gateway.port, says_received=False)
    peer.ask_many(IMAGES)
    peer.wait_answered()

    stage.kill(gateway)
    stage.again(gateway)
    stage.healed()
    peer.says_received = True
    assert peer.connect(gateway.port)["Resumed"]
    peer.wait_until(lambda asked: len(asked.finals) == 2, "the answers once more")

    stage.check()
    assert server.output().count("image taken") == IMAGES


@pytest.mark.slow
@pytest.mark.fault("SIGKILL the gateway", "under load, with our own client")
def test_programs_notice_nothing_of_a_killed_gateway_but_time(stage: Stage) -> None:
    gateway = stage.gateway()
    stage.ocr_server(processes=2, pause=0.05)
    programs = [stage.program(gateway.port, images=30) for _ in range(4)]
    for kills in (1, 2):
        wait_until(lambda: all(len(one.answered) >= 5 * kills for one in programs), "answers come")  # noqa: B023
        stage.kill(gateway)
        gateway = stage.again(gateway)

    stage.healed()
    stage.check()
