"""More than there is room for: what is accepted is answered, the rest is told at once to come back later."""

import pytest

from tests.faults.stage import Stage

BOUND = "RabbitMQ.max_pending=5"
FLOOD, PEERS = 500, 5


@pytest.mark.fault("queue bound of 5", "a flood of 500")
def test_nothing_that_a_full_queue_accepts_is_lost(stage: Stage) -> None:
    gateway = stage.gateway(BOUND, "WebSocket.max_in_flight=200")
    stage.ocr_server(BOUND, pause=0.02)
    peers = [stage.peer(gateway.port) for _ in range(PEERS)]
    for _ in range(FLOOD // PEERS):
        for peer in peers:
            peer.ask_many(1)
    for peer in peers:
        peer.wait_until(lambda asked: asked.is_accepted or asked.refusals, "PENDING or a refusal")

    stage.healed()
    stage.check()
    refused = [one for peer in peers for asked in peer.asked.values() for one in asked.refusals]
    assert {one.message["ErrorCode"] for one in refused} == {"QUEUE_FULL"}
    accepted = sum(asked.is_accepted for peer in peers for asked in peer.asked.values())
    assert accepted + len(refused) == FLOOD
    assert accepted >= 5


@pytest.mark.slow
@pytest.mark.fault("queue bound of 5", "a flood of 500 from programs with our client, which obey RetryAfter")
def test_programs_that_obey_a_full_queue_have_all_their_images_read(stage: Stage) -> None:
    gateway = stage.gateway(BOUND)
    stage.ocr_server(BOUND, processes=2)
    for _ in range(PEERS):
        stage.program(gateway.port, images=FLOOD // PEERS, max_in_flight=5, seconds=100)

    stage.healed()
    stage.check()
