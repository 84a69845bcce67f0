"""Processes die, the broker goes and comes back: every accepted image still gets its one answer."""

import os
import signal
import threading
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest
from private_broker import PrivateBroker

from tests.contract.drawn_images import drawn
from tests.contract.foreign_peers import ForeignAmqpPeer, ForeignClient, ForeignGateway
from tests.integration.pages import page_that_takes_a_while, page_that_takes_too_long
from tests.running import Service, Services, group_of, living_processes, ocr_processes, wait_until

pytestmark = pytest.mark.usefixtures("tesseract", "broker")
IMAGES = 20
EXPECTED = {str(number): f"Number {number}\n" for number in range(IMAGES)}


def _final_texts(client: ForeignClient, count: int) -> dict[str, str]:
    """The text of each image, until `count` are there: one PENDING each, before the one SUCCESS."""
    pending: set[str] = set()
    texts: dict[str, str] = {}
    while len(texts) < count:
        message = client.hear()
        name = message["ImageFileName"]
        if message["ResponseMessage"] == "PENDING":
            assert name not in pending
            pending.add(name)
        else:
            assert message["ResponseMessage"] == "SUCCESS", message
            assert name in pending
            assert name not in texts
            texts[name] = message["OcrResult"]
    return texts


def _is_empty(peer: ForeignAmqpPeer, queue: str) -> bool:
    return peer.waiting(queue) == 0


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _upload_all(client: ForeignClient) -> None:
    for number in range(IMAGES):
        client.upload(str(number), drawn(f"Number {number}"))


def test_a_killed_ocr_process_loses_no_image_and_is_replaced(services: Services) -> None:
    gateway, server = services.gateway(), services.ocr_server(processes=2)
    with ForeignClient(gateway.port) as client:
        _upload_all(client)
        server.wait_for_output("image taken")
        os.kill(ocr_processes(server)[0], signal.SIGKILL)
        assert _final_texts(client, IMAGES) == EXPECTED
    server.wait_for_output("process replaced")
    server.wait_for_output("listening", times=3)


def test_a_killed_ocr_server_leaves_no_process_and_another_one_answers(services: Services) -> None:
    gateway, server = services.gateway(), services.ocr_server(processes=2)
    with ForeignClient(gateway.port) as client:
        _upload_all(client)
        server.wait_for_output("image taken")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        wait_until(lambda: not living_processes(server.process.pid), "all its processes have ended")
        server.assert_nothing_is_left()
        services.ocr_server()
        assert _final_texts(client, IMAGES) == EXPECTED


def test_a_stopped_ocr_server_answers_what_it_has_taken_and_returns_nothing(services: Services) -> None:
    gateway, server = services.gateway(), services.ocr_server()
    with ForeignClient(gateway.port) as client, ForeignAmqpPeer(services.broker_port) as peer:
        client.upload("page", page_that_takes_a_while())
        server.wait_for_output("image taken")
        _upload_all(client)
        gateway.wait_for_output("image queued", times=IMAGES + 1)
        server.stop()
        answered = server.output().count("answer queued")
        assert answered >= 1
        assert peer.waiting("pending_queue") == IMAGES + 1 - answered
        method, _, _ = peer.channel.basic_get("pending_queue")
        assert method is not None
        assert not method.redelivered
        heard = [client.hear()["ResponseMessage"] for _ in range(IMAGES + 1 + answered)]
        assert heard.count("SUCCESS") == answered


def test_a_stopped_gateway_answers_what_is_in_hand_before_it_goes(services: Services) -> None:
    gateway = services.gateway()
    services.ocr_server()
    with ForeignClient(gateway.port) as client:
        _upload_all(client)
        gateway.wait_for_output("image queued", times=IMAGES)
        gateway.process.send_signal(signal.SIGTERM)
        assert _final_texts(client, IMAGES) == EXPECTED
        assert client.hear_close()[0] == 1001
    assert gateway.exit_code() == 0
    assert f"{IMAGES} accepted, {IMAGES} answered, 0 answers dropped" in gateway.output()


@pytest.mark.slow  # tests/faults kills one with more queued
def test_a_killed_broker_loses_no_image_that_waits_or_is_being_read(tmp_path: Path) -> None:
    # A node of its own: RabbitMQ 3.10 does not survive a SIGKILL soon after quorum queues were deleted and declared
    # again, which the other tests do to one another's.
    with (
        PrivateBroker(tmp_path / "broker") as broker,
        closing(Services(broker.port, _new(tmp_path / "services"))) as services,
    ):
        gateway, server = services.gateway(), services.ocr_server()
        with ForeignClient(gateway.port) as client:
            client.upload("page", page_that_takes_a_while())
            _upload_all(client)
            gateway.wait_for_output("image queued", times=IMAGES + 1)
            server.wait_for_output("image taken: page")
            broker.kill()
            broker.start()
            texts = _final_texts(client, IMAGES + 1)
            assert texts.pop("page").startswith("Line 1 ")
            assert texts == EXPECTED
        assert gateway.output().count("is lost") == 1
        assert server.output().count("no broker at") == 1


@pytest.mark.slow
def test_services_that_find_no_broker_say_so_once_and_go_on_when_it_comes(tmp_path: Path) -> None:
    late = PrivateBroker(tmp_path / "broker")
    with ExitStack() as stack:
        stack.callback(late.stop)
        services = stack.enter_context(closing(Services(late.port, _new(tmp_path / "services"))))
        gateway = services.gateway(ready=False)
        server = services.ocr_server(processes=2, ready=False)
        gateway.wait_for_output("no broker at")
        server.wait_for_output("no broker at")
        late.start()
        gateway.wait_until_ready()
        server.wait_for_output("listening", times=2)
        with ForeignClient(gateway.port) as client:
            client.upload("a", drawn("Hello"))
            client.hear_pending("a")
            assert client.hear_text("a") == "Hello\n"
        assert gateway.output().count("no broker at") == 1
        assert server.output().count("no broker at") == 1


def test_queues_that_are_deleted_while_in_use_are_there_again(services: Services) -> None:
    gateway, server = services.gateway(), services.ocr_server()
    for queue in ("pending_queue", "result_queue"):
        with ForeignAmqpPeer(services.broker_port) as peer:
            peer.channel.queue_delete(queue)
        with ForeignClient(gateway.port) as client:
            _upload_all(client)
            texts: dict[str, str] = {}
            refused = 0
            while len(texts) + refused < IMAGES:
                message = client.hear()
                if message["ResponseMessage"] == "SUCCESS":
                    texts[message["ImageFileName"]] = message["OcrResult"]
                elif message["ResponseMessage"] == "FAILED":
                    refused += 1
            assert texts.items() <= EXPECTED.items()
        wait_until(lambda: server.output().count("listening") > 1, "the OCR server consumes again")
    with ForeignClient(gateway.port) as client:
        _upload_all(client)
        assert _final_texts(client, IMAGES) == EXPECTED


@pytest.mark.slow  # tests/contract/test_v2_alarm.py has one in each run
def test_a_broker_under_alarm_refuses_and_clears_by_itself(services: Services, broker: PrivateBroker) -> None:
    gateway = services.gateway()
    services.ocr_server()
    with ForeignClient(gateway.port) as client:
        broker.rabbitmqctl("set_vm_memory_high_watermark", "0")
        try:
            client.upload("a", drawn("Hello"))
            assert "again" in client.hear_failed("a")
        finally:
            broker.rabbitmqctl("set_vm_memory_high_watermark", "0.6")
        client.upload("b", drawn("Hello"))
        client.hear_pending("b")
        assert client.hear_text("b") == "Hello\n"


def test_an_image_that_ends_its_process_each_time_is_answered_and_the_next_one_read(services: Services) -> None:
    attempts = 2
    gateway = services.gateway()
    server = services.ocr_server(f"ProcessPool.max_attempts={attempts}")
    with ForeignClient(gateway.port) as client:
        client.upload("poison", page_that_takes_a_while())
        client.upload("good", drawn("Hello"))
        client.hear_pending("poison")
        client.hear_pending("good")
        for attempt in range(1, attempts + 1):
            server.wait_for_output("image taken: poison", times=attempt)
            os.kill(ocr_processes(server)[0], signal.SIGKILL)
        assert "each time" in client.hear_failed("poison")
        assert client.hear_text("good") == "Hello\n"
    assert server.output().count("process replaced") == attempts


@pytest.mark.parametrize("engine", ["tesserocr", "pytesseract"])
def test_an_image_that_takes_too_long_is_answered_and_the_next_one_read(engine: str, services: Services) -> None:
    gateway = services.gateway()
    server = services.ocr_server(f"tesseract_location.engine={engine}", "OCR.timeout=2")
    with ForeignClient(gateway.port) as client:
        client.upload("slow", page_that_takes_too_long())
        client.hear_pending("slow")
        assert "2 s" in client.hear_failed("slow")
        client.upload("good", drawn("Hello"))  # which is to be read within that time, on a busy machine too
        client.hear_pending("good")
        assert client.hear_text("good") == "Hello\n"
    server.stop()


def test_heartbeats_go_on_while_an_image_is_read(services: Services) -> None:
    server = services.ocr_server("RabbitMQ.heartbeat=1")
    with ForeignGateway(services.broker_port) as gateway:
        gateway.send("page", page_that_takes_a_while())
        assert gateway.take_answer().message()["OcrResult"].startswith("Line 1 ")
    assert server.output().count("image taken") == 1
    assert server.output().count("listening") == 1


def test_a_killed_process_takes_the_tesseract_program_with_it(services: Services) -> None:
    server = services.ocr_server("tesseract_location.engine=pytesseract")
    with ForeignGateway(services.broker_port) as gateway:
        gateway.send("page", page_that_takes_a_while())
        worker = ocr_processes(server)[0]
        wait_until(lambda: len(_of_group(server, worker)) > 1, "the tesseract program runs")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        wait_until(lambda: not _of_group(server, worker), "the tesseract program has ended")
        server.assert_nothing_is_left()


def _of_group(server: Service, group: int) -> list[int]:
    return [pid for pid in living_processes(server.process.pid) if group_of(pid) == group]


def test_a_process_that_has_read_enough_is_replaced_without_a_loss(services: Services) -> None:
    gateway, server = services.gateway(), services.ocr_server("ProcessPool.images_per_process=3")
    with ForeignClient(gateway.port) as client:
        _upload_all(client)
        assert _final_texts(client, IMAGES) == EXPECTED
    assert server.output().count("listening") > IMAGES // 5


def test_a_second_signal_ends_at_once(services: Services) -> None:
    server = services.ocr_server()
    with ForeignGateway(services.broker_port) as gateway:
        gateway.send("page", page_that_takes_a_while())
        server.wait_for_output("image taken")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_output("stopping")
        server.process.send_signal(signal.SIGTERM)
        server.exit_code()
        assert "answer queued" not in server.output()
        server.assert_nothing_is_left()


def test_clients_that_come_and_go_disturb_nobody(services: Services) -> None:
    gateway = services.gateway()
    services.ocr_server()
    with ForeignClient(gateway.port) as steady:

        def come_and_go() -> None:
            for _ in range(10):
                with ForeignClient(gateway.port) as passing:
                    passing.upload("left behind", drawn("Bye"))

        passers = [threading.Thread(target=come_and_go) for _ in range(3)]
        for one in passers:
            one.start()
        _upload_all(steady)
        assert _final_texts(steady, IMAGES) == EXPECTED
        for one in passers:
            one.join()
    with ForeignAmqpPeer(services.broker_port) as peer:
        for queue in ("pending_queue", "result_queue"):
            wait_until(partial(_is_empty, peer, queue), f"{queue} is empty")
