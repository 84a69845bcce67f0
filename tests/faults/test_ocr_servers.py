"""OCR processes and their parent are killed, stopped, told to end: every image is answered once."""

import os
import signal

import pytest

from tests.faults.amqp_methods import BASIC_ACK, BASIC_DELIVER
from tests.faults.proxy import Way
from tests.faults.stage import Stage
from tests.running import ocr_processes, wait_until

IMAGES = 10
QUEUE_TYPES = [
    "quorum",
    pytest.param("classic", marks=pytest.mark.slow),
    pytest.param("transient", marks=pytest.mark.slow),
]


@pytest.mark.fault("SIGKILL an OCR process", "before OCR: its image is on the way to it ({queue_type})")
@pytest.mark.parametrize("queue_type", QUEUE_TYPES)
def test_a_process_killed_before_it_reads_costs_no_image(stage: Stage, queue_type: str) -> None:
    chosen = f"RabbitMQ.queue_type={queue_type}"
    proxy = stage.proxy()
    gateway, server = stage.gateway(chosen), stage.ocr_server(chosen, via=proxy)
    peer = stage.peer(gateway.port)

    delivered = proxy.watch(Way.DOWN, BASIC_DELIVER)
    proxy.hold(Way.DOWN)
    peer.ask_many(IMAGES)
    delivered.wait("the image for the process")
    os.kill(ocr_processes(server)[0], signal.SIGKILL)
    proxy.reset()
    proxy.release()

    stage.healed()
    stage.check()
    assert server.output().count("process replaced") == 1
    assert server.output().count("image taken") == IMAGES


@pytest.mark.fault("SIGKILL an OCR process", "during OCR ({queue_type})")
@pytest.mark.parametrize("queue_type", QUEUE_TYPES)
def test_a_process_killed_while_it_reads_costs_no_image(stage: Stage, queue_type: str) -> None:
    chosen = f"RabbitMQ.queue_type={queue_type}"
    gateway, server = stage.gateway(chosen), stage.ocr_server(chosen, pause=0.2)
    peer = stage.peer(gateway.port, subprotocol="ocr.v2.msgpack")

    peer.ask_many(IMAGES)
    server.wait_for_output("image taken", times=2)
    os.kill(ocr_processes(server)[0], signal.SIGKILL)

    stage.healed()
    stage.check()
    assert server.output().count("process replaced") == 1


@pytest.mark.slow
@pytest.mark.fault("SIGKILL an OCR process", "after the answer's confirm, before the acknowledge ({queue_type})")
@pytest.mark.parametrize("queue_type", QUEUE_TYPES)
def test_a_process_killed_before_it_acknowledges_repeats_an_answer_that_nobody_sees(
    stage: Stage, queue_type: str
) -> None:
    chosen = f"RabbitMQ.queue_type={queue_type}"
    proxy = stage.proxy()
    gateway, server = stage.gateway(chosen), stage.ocr_server(chosen, via=proxy, pause=0.5)
    peer = stage.peer(gateway.port)

    (first,) = peer.ask_many(1)
    server.wait_for_output("image taken")
    confirmed = proxy.watch(Way.DOWN, BASIC_ACK)
    proxy.hold(Way.DOWN)
    peer.wait_answered()
    confirmed.wait("the confirm of the answer")
    os.kill(ocr_processes(server)[0], signal.SIGKILL)
    proxy.reset()
    proxy.release()
    peer.ask_many(IMAGES - 1)

    stage.healed()
    server.wait_for_output(f"image taken: {first.name}", times=2)
    stage.check()
    assert len(first.finals) == 1


@pytest.mark.slow
@pytest.mark.fault("SIGKILL an OCR process", "before the acknowledge, its client having said goodbye with every answer")
def test_an_answer_repeated_for_a_client_that_has_all_its_answers_is_not_kept(stage: Stage) -> None:
    proxy = stage.proxy()
    gateway, server = stage.gateway(), stage.ocr_server(via=proxy, pause=0.5)
    peer = stage.peer(gateway.port)

    (asked,) = peer.ask_many(1)
    server.wait_for_output("image taken")
    proxy.hold(Way.DOWN)
    peer.wait_answered()
    peer.close()
    gateway.wait_for_output("client gone")
    os.kill(ocr_processes(server)[0], signal.SIGKILL)
    proxy.reset()
    proxy.release()

    stage.healed()
    server.wait_for_output(f"answer queued: {asked.name}")
    stage.check()


@pytest.mark.fault("SIGKILL the OCR server's parent", "under load")
def test_a_killed_server_leaves_no_process_and_another_one_goes_on(stage: Stage) -> None:
    gateway, server = stage.gateway(), stage.ocr_server(processes=2, pause=0.05)
    peer = stage.peer(gateway.port)
    for _ in range(3):
        stage.program(gateway.port, images=20)
    peer.ask_many(20)
    server.wait_for_output("answer queued", times=5)

    stage.kill(server)
    server.assert_nothing_is_left()
    stage.ocr_server(processes=2)

    stage.healed()
    stage.check()


@pytest.mark.slow
@pytest.mark.parametrize("at", ["reading", "idle"])
@pytest.mark.fault("SIGSTOP an OCR process", "{at}, under load")
def test_a_stopped_process_is_replaced_and_its_image_read_by_another(stage: Stage, at: str) -> None:
    gateway, server = stage.gateway(), stage.ocr_server(processes=2, pause=0.2)
    stopped = ocr_processes(server)[0]
    if at == "idle":
        os.kill(stopped, signal.SIGSTOP)
    peer = stage.peer(gateway.port)
    program = stage.program(gateway.port, images=30)
    peer.ask_many(30)
    wait_until(lambda: len(program.answered) > 3, "images are read")
    if at == "reading":
        os.kill(stopped, signal.SIGSTOP)

    stage.healed()  # nobody wakes it: what comes next is the server's own doing
    server.wait_for_output("process replaced", seconds=60)
    stage.check()


@pytest.mark.fault("SIGTERM the OCR server", "under load")
def test_a_server_told_to_stop_answers_what_it_has_and_returns_nothing(stage: Stage) -> None:
    gateway, server = stage.gateway(), stage.ocr_server(processes=2, pause=0.1)
    peer = stage.peer(gateway.port)
    programs = [stage.program(gateway.port, images=20) for _ in range(2)]
    peer.ask_many(20)
    server.wait_for_output("answer queued", times=5)

    server.stop()
    taken = server.output().count("image taken")
    assert taken == server.output().count("answer queued")
    another = stage.ocr_server(processes=2)

    stage.healed()
    stage.check()
    images = len(peer.asked) + sum(len(program.expected) for program in programs)
    assert taken + another.output().count("image taken") == images, "none was given to two servers"
