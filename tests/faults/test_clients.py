"""Clients die, are back, are back elsewhere, come twice, never read: with answers held, and outstanding."""

import pytest

from tests.faults.peer import Peer
from tests.faults.stage import Stage
from tests.running import Service, wait_until

IMAGES = 10
ONE_IS_SLOW = ["held", pytest.param("outstanding", marks=pytest.mark.slow)]


def _ask(peer: Peer) -> None:
    peer.ask_many(IMAGES)
    peer.wait_accepted()


def _leave(stage: Stage, peer: Peer, server: Service, answers: str) -> None:
    """Be gone without a word, and stay away until the answers are in the state that the test wants."""
    peer.vanish()
    if answers == "held":
        server.wait_for_output("answer queued", times=IMAGES)
        had = sum(bool(asked.finals) for asked in peer.asked.values())
        wait_until(lambda: stage.waiting(f"held.{peer.client_uuid}") >= IMAGES - had, "the answers are held")
    else:
        assert server.output().count("answer queued") < IMAGES


@pytest.mark.fault("client killed and back", "answers {answers}")
@pytest.mark.parametrize("answers", ONE_IS_SLOW)
def test_a_client_that_is_back_has_every_answer_once(stage: Stage, answers: str) -> None:
    gateway, server = stage.gateway(), stage.ocr_server(pause=0.1)
    peer = stage.peer(gateway.port, subprotocol="ocr.v2.msgpack")
    _ask(peer)
    _leave(stage, peer, server, answers)

    stage.healed()
    assert peer.connect(gateway.port)["Resumed"]
    peer.wait_answered()
    stage.check()
    assert server.output().count("image taken") == IMAGES
    for asked in peer.asked.values():
        # One that was heard just before it left may come again: its Received may have been lost with the connection.
        heard_before = any(one.connection == 1 for one in asked.finals)
        again = sum(one.connection > 1 for one in asked.finals)
        assert again <= 1 if heard_before else again == 1


@pytest.mark.fault("client back at another gateway", "answers {answers}")
@pytest.mark.parametrize("answers", ONE_IS_SLOW)
def test_a_client_that_is_back_at_another_gateway_has_every_answer_once(stage: Stage, answers: str) -> None:
    first = stage.gateway("RabbitMQ.result_queue=result_1")
    second = stage.gateway("RabbitMQ.result_queue=result_2")
    server = stage.ocr_server(pause=0.1)
    peer = stage.peer(first.port)
    _ask(peer)
    _leave(stage, peer, server, answers)

    stage.healed()
    uuid = peer.client_uuid
    welcome = peer.connect(second.port)
    assert welcome["Resumed"]
    assert welcome["ClientUUID"] == uuid
    peer.wait_answered()
    stage.check()
    assert server.output().count("image taken") == IMAGES


@pytest.mark.fault("two connections with one ClientUUID", "answers {answers}")
@pytest.mark.parametrize("answers", ONE_IS_SLOW)
def test_a_newer_connection_takes_the_place_of_the_older_one(stage: Stage, answers: str) -> None:
    gateway, server = stage.gateway(), stage.ocr_server(pause=0.1)
    peer = stage.peer(gateway.port)
    _ask(peer)
    if answers == "held":
        _leave(stage, peer, server, answers)
        peer.says_received = False
        peer.connect(gateway.port)

    stage.healed()
    peer.says_received = True
    before = peer.connections
    assert peer.connect(gateway.port)["Resumed"]
    close = peer.wait_for_close(of=before)
    assert close is not None
    assert close[0] == 4001
    peer.wait_answered()
    stage.check()
    assert server.output().count("image taken") == IMAGES


@pytest.mark.fault("a client that never reads", "answers {answers}")
@pytest.mark.parametrize("answers", ["outstanding", pytest.param("held", marks=pytest.mark.slow)])
def test_a_client_that_never_reads_costs_the_others_nothing(stage: Stage, answers: str) -> None:
    gateway, _ = stage.gateway("WebSocket.idle_timeout=120"), stage.ocr_server(processes=2)
    deaf = stage.peer(gateway.port, reads=False)
    in_flight = deaf.welcome["MaxInFlight"]
    deaf.ask_many(in_flight)
    if answers == "held":
        # What has not been Received for 30 s is moved there.
        wait_until(lambda: stage.waiting(f"held.{deaf.client_uuid}") == in_flight, "the answers are held", seconds=60)
    # Every further image is refused, and the refusals fill what lies between: the gateway has to stop somewhere.
    flood = stage.flood(deaf)

    good = [stage.peer(gateway.port), stage.peer(gateway.port, subprotocol="ocr.v2.msgpack")]
    program = stage.program(gateway.port, images=30)
    for peer in good:
        peer.ask_many(30)
    for peer in good:
        peer.wait_answered()
    program.wait(60)
    flood.wait_until_blocked()
    flood.stop()

    stage.healed()
    deaf.vanish()
    deaf.reads = True
    assert deaf.connect(gateway.port)["Resumed"]
    deaf.wait_answered()
    stage.check()
