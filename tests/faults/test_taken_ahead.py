"""Images that wait in a process, taken ahead because those before them were quick: they go back when it is held up."""

import os
import signal

import pytest

from tests.contract.drawn_images import drawn
from tests.faults.stage import Stage
from tests.integration.pages import page_that_takes_a_while
from tests.running import ocr_processes, wait_until

QUICK = 20
"""Images after which a process takes several ahead."""

WAITING = 30
MUCH_IN_FLIGHT = "WebSocket.max_in_flight=64"


@pytest.mark.fault("a page among words", "with words waiting behind it in its process")
def test_what_waits_behind_an_image_that_takes_long_is_read_by_another_process(stage: Stage) -> None:
    gateway = stage.gateway(MUCH_IN_FLIGHT)
    peer = stage.peer(gateway.port)
    peer.ask_many(QUICK)
    page = peer.ask("page", page_that_takes_a_while())
    words = peer.ask_many(WAITING)
    peer.wait_accepted()

    server = stage.ocr_server(processes=2)
    stage.healed()
    peer.wait_answered()
    assert max(one.finals[0].at for one in words) < page.finals[0].at, "none waited until the page was read"
    stage.check()
    assert server.output().count("image taken") == QUICK + 1 + WAITING, "none was read twice"


@pytest.mark.fault("SIGKILL an OCR process", "with images waiting in it")
def test_only_the_image_that_was_begun_counts_as_an_attempt(stage: Stage) -> None:
    gateway = stage.gateway(MUCH_IN_FLIGHT)
    server = stage.ocr_server("ProcessPool.max_attempts=1", pause=0.01)
    peer = stage.peer(gateway.port)

    names = [f"image {number}" for number in range(QUICK + WAITING)]
    images = [peer.ask(name, drawn(name)) for name in names]  # whose texts the stage does not expect: one may have none
    server.wait_for_output("image taken", times=QUICK)
    os.kill(ocr_processes(server)[0], signal.SIGKILL)

    stage.healed()
    server.wait_for_output("process replaced")
    wait_until(lambda: all(one.finals for one in images), "all are answered")
    failed = [one for one in images if one.answer["ResponseMessage"] == "FAILED"]
    deaths = server.output().count("died while it read image")
    assert [one.answer["ErrorCode"] for one in failed] == ["OCR_CRASHED"] * deaths
    assert deaths <= 1  # none when it was between two images
    stage.check()


@pytest.mark.fault("SIGKILL the broker", "with many answers on their way to it that it has not confirmed")
def test_answers_that_a_killed_broker_has_not_confirmed_are_not_lost(own_stage: Stage) -> None:
    stage = own_stage
    gateway = stage.gateway(MUCH_IN_FLIGHT)
    server = stage.ocr_server(processes=2)
    peer = stage.peer(gateway.port)
    for _ in range(3):
        stage.program(gateway.port, images=60, max_in_flight=25)
    peer.ask_many(60)

    server.wait_for_output("answer queued", times=40)
    stage.broker.kill()
    stage.broker.start()
    stage.healed()
    stage.check()


@pytest.mark.fault("SIGTERM the OCR server", "with images waiting in its processes")
def test_a_server_told_to_stop_gives_back_what_waits_in_it_unread(stage: Stage) -> None:
    gateway = stage.gateway(MUCH_IN_FLIGHT)
    server = stage.ocr_server(pause=0.1)  # not so much that they are not quick; those that wait last for seconds
    peer = stage.peer(gateway.port)

    peer.ask_many(QUICK + WAITING)
    server.wait_for_output("image taken", times=QUICK)
    server.stop()
    taken = server.output().count("image taken")
    assert taken == server.output().count("answer queued") < QUICK + WAITING
    another = stage.ocr_server()

    stage.healed()
    stage.check()
    assert taken + another.output().count("image taken") == QUICK + WAITING, "none was read by two servers"


@pytest.mark.fault("an OCR process is recycled", "with images waiting in it")
def test_a_worn_out_process_gives_back_what_waits_in_it(stage: Stage) -> None:
    gateway = stage.gateway(MUCH_IN_FLIGHT)
    server = stage.ocr_server(f"ProcessPool.images_per_process={QUICK}")
    peer = stage.peer(gateway.port)

    peer.ask_many(QUICK + WAITING)

    stage.healed()
    stage.check()
    assert server.output().count("image taken") == QUICK + WAITING
